//! How one person of a call list is shown: on the card with what to say, or as one line.

use super::list::Reader;
use crate::app::App;
use crate::directory::contact::{self, PointKind};
use crate::phone_tree::calling::LONGEST_CALL;
use crate::phone_tree::script;
use crate::report::words;
use crate::storage::alerts;
use crate::storage::calls::{CallTask, Outcome, Whose};
use crate::storage::standing;
use crate::web::format::{self, Times};
use crate::web::pages::PageError;
use crate::web::pages::people::{number_in_words, place};
use crate::web::view::board::PersonRow;
use crate::web::view::calls::CallCard;
use crate::web::view::{Act, Choice, Link, Weight};

/// The person to call now.
pub(super) async fn card(
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

/// Someone who is still to be called.
pub(super) fn row(app: &App, reader: &Reader, task: &CallTask, times: &Times) -> PersonRow {
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
pub(super) fn answered(app: &App, task: &CallTask, reader: &Reader, times: &Times) -> String {
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

/// Someone who was called, or who answered without a call.
pub(super) fn done_row(app: &App, reader: &Reader, task: &CallTask, times: &Times) -> PersonRow {
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
