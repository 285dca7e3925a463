//! Fills the page of a call list: whom to call now, who comes then, who is done.

use super::person::{answered, card, done_row, row};
use crate::alert::words::Mode;
use crate::app::App;
use crate::ids::{ContactId, RecipientId};
use crate::phone_tree::Caller;
use crate::phone_tree::calling::LONGEST_CALL;
use crate::storage::alerts::Alert;
use crate::storage::calls::{self, CallTask, Progress, Whose};
use crate::web::format::{Times, count};
use crate::web::pages::PageError;
use crate::web::view::calls::{CallList, HandingOut, Made as MadeView};
use crate::web::view::{Act, Fact, Frame, Link, Mode as Shown, Notice, Tone, counted, people};

/// People shown of what comes then, and of what is done.
const ROWS: i64 = 50;

/// Who looks at the list.
pub(super) struct Reader {
    /// The alert.
    pub(super) alert: Alert,
    /// As whom they call, and whom.
    pub(super) caller: Caller,
    /// The page's own path.
    pub(super) path: String,
    /// Whether they manage the alert: then links lead on.
    pub(super) is_manager: bool,
    /// What surrounds the page, but for the mode.
    pub(super) frame: Frame,
}

/// A link that was just made.
pub(super) struct Made {
    /// Whom for, as typed; the caller's name is looked up.
    pub(super) name: String,
    /// The whole address.
    pub(super) address: String,
}

/// What people call the alert.
pub(super) fn title<'a>(app: &App, alert: &'a Alert) -> &'a str {
    alert.title_in(&app.config.organisation.language())
}

/// The page. `pinned` is shown first if the reader may still call them.
pub(super) async fn page(
    app: &App,
    reader: Reader,
    pinned: Option<RecipientId>,
    notice: Option<Notice>,
    made: Option<Made>,
) -> Result<CallList, PageError> {
    let times = Times::new(&app.config, app.clock.now());
    let (alert, whose) = (&reader.alert, reader.caller.whose);
    let to_do = calls::list_to_do(&app.db, alert.number, whose, ROWS + 1).await?;
    let done = calls::list_done(&app.db, alert.number, whose, ROWS).await?;
    let progress = calls::progress(&app.db, alert.number).await?;
    let unlisted = count(calls::count_unlisted(&app.db, alert.number).await?);
    let picked = pick(app, &reader, pinned, &to_do, &times).await?;
    let mut frame = surroundings(&reader, &times);
    frame.title = format!("People to call: {}", title(app, alert));
    for notice in notice.into_iter().chain(picked.notice) {
        frame = frame.notice(notice);
    }
    let next_id = picked.task.as_ref().map(|task| task.recipient);
    let rest = to_do.iter().filter(|task| Some(task.recipient) != next_id);
    Ok(CallList {
        page: frame,
        mode: Shown::from(alert.mode),
        title: format!("People to call: {}", title(app, alert)),
        progress: progress_in_words(&progress, whose),
        rest: rest.map(|task| row(app, &reader, task, &times)).collect(),
        done: done
            .iter()
            .map(|task| done_row(app, &reader, task, &times))
            .collect(),
        callers: if reader.is_manager {
            callers(&progress)
        } else {
            Vec::new()
        },
        acts: acts(&reader, unlisted),
        is_empty: to_do.is_empty() && done.is_empty(),
        handing_out: handing_out(app, &reader, &progress, made, &times).await?,
        back: reader
            .is_manager
            .then(|| Link::new("Board", format!("/alerts/{}", alert.id))),
        next: match picked.task {
            Some(task) => Some(card(app, &reader, &task, &times).await?),
            None => None,
        },
    })
}

fn surroundings(reader: &Reader, times: &Times) -> Frame {
    let since = times.clock_and_zone(reader.alert.launched_at);
    let ribbon = match reader.alert.mode {
        Mode::Actual => format!("Alert {}, since {since}", reader.alert.number),
        Mode::Exercise => format!("Exercise {}, since {since}", reader.alert.number),
    };
    reader
        .frame
        .clone()
        .in_mode(Shown::from(reader.alert.mode), ribbon)
}

/// Whom to call now, and what to say if it is not the person who was asked for.
struct Picked {
    task: Option<CallTask>,
    notice: Option<Notice>,
}

async fn pick(
    app: &App,
    reader: &Reader,
    pinned: Option<RecipientId>,
    to_do: &[CallTask],
    times: &Times,
) -> Result<Picked, PageError> {
    let now = app.clock.now();
    let is_taken = |task: &CallTask| {
        let is_recent = task
            .calling_at
            .is_some_and(|at| now.since(at) < LONGEST_CALL);
        let by = task.calling_by.as_deref();
        is_recent && by.is_some() && by != Some(reader.caller.actor.as_str())
    };
    let mut notice = None;
    if let Some(pinned) = pinned {
        let number = reader.alert.number;
        let task = calls::find(&app.db, number, reader.caller.whose, pinned).await?;
        match task {
            Some(task) if task.answered_at.is_some() => {
                let text = format!(
                    "{} Nobody needs to call them.",
                    answered(app, &task, reader, times)
                );
                notice = Some(Notice::new(Tone::Good, text));
            }
            Some(task) if is_taken(&task) => {
                let text = format!("Somebody else is calling {} now.", task.name);
                notice = Some(Notice::new(Tone::Careful, text));
            }
            Some(task) => {
                return Ok(Picked {
                    task: Some(task),
                    notice,
                });
            }
            None => {}
        }
    }
    let mine = |task: &&CallTask| task.calling_by.as_deref() == Some(reader.caller.actor.as_str());
    let free = |task: &&CallTask| !is_taken(task);
    let task = to_do
        .iter()
        .find(mine)
        .or_else(|| to_do.iter().find(free))
        .cloned();
    Ok(Picked { task, notice })
}

/// "4 of 16 called, 3 answered by themselves meanwhile, 9 still to call."
fn progress_in_words(progress: &[Progress], whose: Whose) -> String {
    let own = progress.iter().filter(|part| match whose {
        Whose::All => true,
        Whose::Caller(caller) => part.caller_id == Some(caller),
        Whose::Anyone => part.caller_id.is_none(),
    });
    let (mut all, mut called, mut alone, mut left) = (0, 0, 0, 0);
    for part in own {
        all += count(part.people);
        called += count(part.called);
        alone += count(part.answered_alone);
        left += count(part.to_do);
    }
    if all == 0 {
        return "Nobody is on the list.".to_owned();
    }
    let alone = match alone {
        0 => String::new(),
        _ => format!(" {} answered without a call.", people(alone)),
    };
    format!(
        "{called} of {} called.{alone} {left} still to call.",
        people(all)
    )
}

fn callers(progress: &[Progress]) -> Vec<Fact> {
    let fact = |part: &Progress| {
        let name = part.name.clone().unwrap_or_else(|| "Anyone".to_owned());
        let value = format!(
            "{} of {} still to call, {} called",
            part.to_do, part.people, part.called
        );
        Fact::new(name, value)
    };
    progress.iter().map(fact).collect()
}

/// `unlisted` is how many are silent and not on the list.
fn acts(reader: &Reader, unlisted: u64) -> Vec<Act> {
    if !reader.is_manager || unlisted == 0 {
        return Vec::new();
    }
    let words = counted(unlisted, "silent person", "silent people");
    let href = format!("{}/fill", reader.path);
    vec![Act::post(format!("Put {words} onto the list"), href)]
}

async fn handing_out(
    app: &App,
    reader: &Reader,
    progress: &[Progress],
    made: Option<Made>,
    times: &Times,
) -> Result<Option<HandingOut>, PageError> {
    if !reader.is_manager {
        return Ok(None);
    }
    let action = format!("{}/link", reader.path);
    let named = progress
        .iter()
        .filter_map(|part| Some((part.caller_id?, part.name.clone()?)));
    let button = |(id, name): (ContactId, String)| {
        Act::post(format!("Make a link for {name}"), &*action)
            .field("caller", id.to_string())
            .field("name", name)
    };
    let given = calls::list_links(&app.db, reader.alert.number).await?;
    let since = |at| format!("link made {}", times.near(at));
    Ok(Some(HandingOut {
        made: made.map(|made| MadeView {
            name: made.name,
            address: made.address,
        }),
        callers: named.map(button).collect(),
        given: given
            .into_iter()
            .map(|link| Fact::new(link.label, since(link.made_at)))
            .collect(),
        action,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_only_the_readers_part() {
        let part = |caller_id, people, to_do| Progress {
            caller_id,
            name: None,
            people,
            to_do,
            called: 2,
            answered_alone: 1,
        };
        let own = ContactId::new();
        let all = [part(Some(own), 8, 5), part(None, 4, 1)];
        let said = |whose| progress_in_words(&all, whose);
        assert_eq!(
            said(Whose::Caller(own)),
            "2 of 8 people called. 1 person answered without a call. 5 still to call."
        );
        assert!(said(Whose::All).starts_with("4 of 12 people called."));
        assert_eq!(progress_in_words(&[], Whose::All), "Nobody is on the list.");
    }
}
