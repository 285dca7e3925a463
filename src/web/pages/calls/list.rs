//! Fills the page of a call list: whom to call now, who comes then, who is done.

use crate::alert::words::Mode;
use crate::app::App;
use crate::directory::contact::{self, PointKind};
use crate::ids::RecipientId;
use crate::phone_tree::calling::LONGEST_CALL;
use crate::phone_tree::{Caller, script};
use crate::report::words;
use crate::storage::alerts::{self, Alert};
use crate::storage::calls::{self, CallTask, Outcome, Progress, Whose};
use crate::storage::standing;
use crate::web::format::{self, Times, count};
use crate::web::pages::PageError;
use crate::web::pages::people::{number_in_words, place};
use crate::web::view::board::PersonRow;
use crate::web::view::calls::{CallCard, CallList, HandingOut, Made as MadeView};
use crate::web::view::{
    Act, Choice, Fact, Frame, Link, Mode as Shown, Notice, Tone, Weight, counted, people,
};

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
    let button = |(id, name): (crate::ids::ContactId, String)| {
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

async fn card(
    app: &App,
    reader: &Reader,
    task: &CallTask,
    times: &Times,
) -> Result<CallCard, PageError> {
    let alert = &reader.alert;
    let person = standing::get(&app.db, task.recipient).await?;
    let deliveries = standing::list_deliveries(&app.db, task.recipient, task.recipient).await?;
    let mut happened = vec![words::in_short(person.state, &deliveries, &|at| {
        times.near(at)
    })];
    happened.extend(last_call(task, times));
    let texts = alerts::list_texts(&app.db, alert.number).await?;
    let house = app.config.organisation.language();
    // A caller of the call tree has these people alone; others share a list and take turns.
    let takes_turns = !matches!(reader.caller.whose, Whose::Caller(_));
    let is_mine = task.calling_by.as_deref() == Some(reader.caller.actor.as_str());
    let act = |label: String, word: &str| {
        Act::post(label, &reader.path)
            .field("outcome", word)
            .field("recipient", task.recipient.to_string())
    };
    let mut answers: Vec<Choice> = alert
        .options
        .iter()
        .map(|option| Choice::new(format!("spoke.{}", option.key), option.label_in(&house)))
        .collect();
    answers.push(Choice::new("spoke", "Told, but gave no answer"));
    Ok(CallCard {
        name: task.name.clone(),
        place: where_and_language(task),
        happened: happened.join(" "),
        claim: (takes_turns && !is_mine)
            .then(|| act(format!("I am calling {}", task.name), "claim").weight(Weight::Strong)),
        numbers: numbers(app, task).await?,
        release: (takes_turns && is_mine)
            .then(|| act("Give back: I am not calling".to_owned(), "release")),
        script: script::sentences(&app.keys, &texts, task),
        action: reader.path.clone(),
        hidden: vec![
            ("recipient".to_owned(), task.recipient.to_string()),
            (
                "seen".to_owned(),
                task.outcome_at
                    .map_or_else(String::new, |at| at.0.to_string()),
            ),
        ],
        answers,
        failures: vec![
            Choice::new("no_answer", "No answer"),
            Choice::new("voicemail", "Voicemail"),
            Choice::new("wrong_number", "Wrong number"),
        ],
    })
}

/// The phones of the person as the directory has them now: the mobile first.
async fn numbers(app: &App, task: &CallTask) -> Result<Vec<Link>, PageError> {
    let Some(contact) = contact::find(&app.db, &app.keys, task.contact_id).await? else {
        return Ok(Vec::new());
    };
    let of = |kind: PointKind| {
        contact
            .points
            .iter()
            .filter(move |point| point.kind == kind)
    };
    let link = |point: &contact::Point| {
        let number = point.address.reveal();
        let mut label = number_in_words(number);
        if !point.extension.is_empty() {
            label = format!("{label}, extension {}", point.extension);
        }
        Link::new(label, format!("tel:{number}"))
    };
    Ok(of(PointKind::Mobile)
        .chain(of(PointKind::Landline))
        .map(link)
        .collect())
}

fn where_and_language(task: &CallTask) -> String {
    let place = place(&[&task.role, &task.unit, &task.site]);
    let language = format::language(&task.language);
    if place.is_empty() {
        language.to_owned()
    } else {
        format!("{place} · {language}")
    }
}

fn last_call(task: &CallTask, times: &Times) -> Option<String> {
    let at = times.near(task.outcome_at?);
    Some(match task.outcome? {
        Outcome::Spoke => format!("Told on the phone {at}."),
        Outcome::Voicemail => format!("Message left {at}."),
        Outcome::NoAnswer => format!("Nobody picked up {at}."),
        Outcome::WrongNumber => format!("Wrong number {at}."),
    })
}

fn href(reader: &Reader, task: &CallTask) -> String {
    if reader.is_manager {
        format!("/alerts/{}/people/{}", reader.alert.id, task.recipient)
    } else {
        format!("{}?person={}", reader.path, task.recipient)
    }
}

fn row(app: &App, reader: &Reader, task: &CallTask, times: &Times) -> PersonRow {
    let now = app.clock.now();
    let calling = task
        .calling_by
        .as_deref()
        .filter(|_| {
            task.calling_at
                .is_some_and(|at| now.since(at) < LONGEST_CALL)
        })
        .map(|by| format!("{} is calling now.", format::actor(by)));
    let is_free = calling.is_none();
    let happened = calling
        .or_else(|| last_call(task, times))
        .unwrap_or_else(|| "Not called yet.".to_owned());
    PersonRow {
        name: task.name.clone(),
        href: href(reader, task),
        place: where_and_language(task),
        happened,
        act: is_free.then(|| {
            let href = format!("{}?person={}", reader.path, task.recipient);
            Act::go("Call first", href)
        }),
    }
}

/// "Answered by text 14:05:31: I am safe."
fn answered(app: &App, task: &CallTask, reader: &Reader, times: &Times) -> String {
    let house = app.config.organisation.language();
    let answer = task.answer.as_deref().unwrap_or_default();
    let option = reader
        .alert
        .options
        .iter()
        .find(|option| option.key == answer);
    let answer = option.map_or(answer, |option| option.label_in(&house));
    let via = task.answer_via.map_or("", words::via);
    let at = task
        .answered_at
        .map(|at| times.near(at))
        .unwrap_or_default();
    format!("Answered {via} {at}: {answer}.").replace("  ", " ")
}

fn done_row(app: &App, reader: &Reader, task: &CallTask, times: &Times) -> PersonRow {
    let mut happened: Vec<String> = last_call(task, times).into_iter().collect();
    if task.answered_at.is_some() {
        happened.push(answered(app, task, reader, times));
    }
    happened.extend(task.note.as_ref().map(|note| format!("Note: {note}")));
    let again = task.answered_at.is_none().then(|| {
        Act::post("Call again", &reader.path)
            .field("outcome", "again")
            .field("recipient", task.recipient.to_string())
            .field(
                "seen",
                task.outcome_at
                    .map_or_else(String::new, |at| at.0.to_string()),
            )
    });
    PersonRow {
        name: task.name.clone(),
        href: href(reader, task),
        place: where_and_language(task),
        happened: happened.join(" "),
        act: again,
    }
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
        let own = crate::ids::ContactId::new();
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
