//! The account as a table: one row for each person, safe to open in a spreadsheet.

use std::collections::BTreeMap;

use crate::app::App;
use crate::directory::export::safe_cell;
use crate::ids::RecipientId;
use crate::report::call_out::{place_in_words, why_not_asked};
use crate::report::{reasons, written};
use crate::storage::alerts::Alert;
use crate::storage::call_out::Standing;
use crate::storage::responses::Via;
use crate::storage::standing::{self, Filter};
use crate::storage::{self, Error};

/// People whose messages are read at a time.
const PAGE: usize = 1000;

/// The columns.
const HEADERS: &[&str] = &[
    "name",
    "category",
    "role",
    "site",
    "unit",
    "state",
    "reason",
    "answer",
    "answered_at",
    "answered_via",
    "messages",
    "possible_duplicate",
    "wrote",
    "place",
];

/// One row for each person of the alert, with how they stand and why.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe before it (OWASP ASVS
/// 1.2.10).
pub async fn csv(app: &App, alert: &Alert) -> Result<Vec<u8>, Error> {
    let broken = |_| Error::Broken("a table could not be written to memory");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADERS).map_err(broken)?;
    let everyone = standing::list(&app.db, alert.number, Filter::default(), i64::MAX).await?;
    let call_out = storage::call_out::standing(&app.db, alert.number).await?;
    let places = call_out.as_ref().map(Standing::places).unwrap_or_default();
    let mut wrote: BTreeMap<RecipientId, Vec<String>> = BTreeMap::new();
    for message in written::of_alert(app, alert).await? {
        wrote
            .entry(message.recipient)
            .or_default()
            .push(message.text);
    }
    for people in everyone.chunks(PAGE) {
        let (Some(first), Some(last)) = (people.first(), people.last()) else {
            break;
        };
        let mut deliveries = standing::list_deliveries(&app.db, first.id, last.id)
            .await?
            .into_iter()
            .peekable();
        for person in people {
            // Both are in the order of the audience.
            let mut own = Vec::new();
            while let Some(delivery) = deliveries.next_if(|one| one.recipient == person.id) {
                own.push(delivery);
            }
            let answered_at = person
                .answered_at
                .map(|at| at.to_string())
                .unwrap_or_default();
            let via = person.answer_via.map(Via::word).unwrap_or_default();
            let twice = own.iter().any(|delivery| delivery.possible_duplicate);
            let reason = why_not_asked(alert, call_out.as_ref(), person.id)
                .unwrap_or_else(|| reasons::of(person.state, &own))
                .0;
            let place = places.get(&person.id).map(|place| place_in_words(*place));
            let row = [
                person.name.as_str(),
                person.category.word(),
                &person.role,
                &person.site,
                &person.unit,
                person.state.word(),
                &reason,
                person.answer.as_deref().unwrap_or_default(),
                &answered_at,
                via,
                &own.len().to_string(),
                if twice { "yes" } else { "" },
                &wrote
                    .get(&person.id)
                    .map_or(String::new(), |words| words.join(" / ")),
                place.as_deref().unwrap_or_default(),
            ];
            writer
                .write_record(row.map(|cell| safe_cell(cell).into_owned()))
                .map_err(broken)?;
        }
    }
    writer
        .into_inner()
        .map_err(|_| Error::Broken("a table could not be written to memory"))
}
