//! What people wrote that is no answer: as a board, a person's page and the list of alerts show it.

use std::collections::BTreeMap;

use crate::account::role::Act;
use crate::account::user::User;
use crate::app::App;
use crate::ids::RecipientId;
use crate::report::written::{self, Stray, Written};
use crate::storage::alerts::Alert;
use crate::storage::standing;
use crate::web::format::Times;
use crate::web::pages::{PageError, live};
use crate::web::view::alerts::StrayRow;
use crate::web::view::board::{Need, PersonRow};
use crate::web::view::{Act as Button, Pages};

/// People shown on a board.
const ROWS: usize = 50;
/// Characters of a message on a board; the person's own page has all of it.
const SHOWN: usize = 300;

/// The people of a board whose words nobody has dealt with, each once, who has waited longest first.
pub(super) async fn need(
    app: &App,
    user: &User,
    alert: &Alert,
    times: &Times,
) -> Result<Option<Need>, PageError> {
    let mut waiting = written::of_alert(app, alert).await?;
    waiting.retain(|one| !one.settled);
    let mut order: Vec<RecipientId> = Vec::new();
    let mut words: BTreeMap<RecipientId, Vec<String>> = BTreeMap::new();
    for one in &waiting {
        let said = words.entry(one.recipient).or_default();
        if said.is_empty() {
            order.push(one.recipient);
        }
        said.push(quote(one, times));
    }
    if order.is_empty() {
        return Ok(None);
    }
    let count = order.len();
    order.truncate(ROWS);
    let people = standing::list_recipients(&app.db, alert.number, &order).await?;
    let may_mark = user.may(Act::RecordForOthers);
    let row = |id: &RecipientId| {
        let person = people.iter().find(|person| person.id == *id)?;
        let href = format!("/alerts/{}/people/{id}", alert.id);
        Some(PersonRow {
            name: person.name.clone(),
            place: live::place(person),
            happened: words.get(id).map(|said| said.join(" ")).unwrap_or_default(),
            act: may_mark.then(|| Button::go("Mark answered", format!("{href}#mark"))),
            href,
        })
    };
    Ok(Some(Need {
        class: "wrote",
        title: "Wrote something that is no answer".to_owned(),
        count: count as u64,
        rows: order.iter().filter_map(row).collect(),
        pages: Pages {
            shown: if count > ROWS {
                format!("{ROWS} of {count}: the others follow as these are marked")
            } else {
                String::new()
            },
            ..Pages::default()
        },
        folded: false,
    }))
}

/// `“I am trapped” 14:02:31.`
fn quote(one: &Written, times: &Times) -> String {
    format!("{} {}.", quoted(&one.text, SHOWN), times.near(one.at))
}

fn quoted(text: &str, longest: usize) -> String {
    let mut shown: String = text.chars().take(longest).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("“{shown}”")
}

/// What one person wrote and nobody has dealt with, for the form that marks an answer.
pub(super) fn waiting(written: &[Written], times: &Times) -> Vec<String> {
    let waiting = written.iter().filter(|one| !one.settled);
    waiting
        .map(|one| {
            format!(
                "{} wrote: {}",
                times.near(one.at),
                quoted(&one.text, usize::MAX)
            )
        })
        .collect()
}

/// What came from nobody in a running alert, for the list of alerts.
pub(super) async fn strays(
    app: &App,
    user: &User,
    times: &Times,
) -> Result<Vec<StrayRow>, PageError> {
    let row = |stray: Stray| StrayRow {
        time: times.near(stray.at),
        from: stray.from.masked(),
        call: user
            .may(Act::SeeNumbers)
            .then(|| Button::go("Call", format!("tel:{}", stray.from.reveal()))),
        person: stray.writer.map(|writer| {
            let href = format!("/alerts/{}/people/{}", writer.alert, writer.recipient);
            (writer.name, href)
        }),
        words: quoted(&stray.text, SHOWN),
    };
    Ok(written::strays(app).await?.into_iter().map(row).collect())
}
