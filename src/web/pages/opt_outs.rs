//! The ledger of opt-outs: who, which number, since when, how it was asked for, and what happens instead.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::account::role::Act;
use crate::app::App;
use crate::channel::Address;
use crate::directory;
use crate::directory::contact::{self, PointKind};
use crate::directory::opt_out::{self, How};
use crate::storage::opt_outs::LedgerRow;
use crate::web::format::{self, Times};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::Section;
use crate::web::view::opt_outs::{OptOutRow, OptOuts};

/// `/people/opt-outs`.
pub fn router() -> Router<App> {
    Router::new().route("/people/opt-outs", get(list))
}

async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::SeeDirectory)?;
    let times = Times::new(&app.config, app.clock.now());
    let may_edit = signed_in.user.may(Act::EditDirectory);
    let (mut held, mut ended) = (Vec::new(), Vec::new());
    for row in opt_out::ledger(&app.db).await? {
        let sealed = app.keys.open_text(row.point_id.0.as_bytes(), &row.address);
        let address = Address::new(sealed.map_err(directory::Error::from)?);
        let person = format!("/people/{}", row.contact_id);
        let mut shown = OptOutRow {
            name: row.name.clone(),
            href: if may_edit {
                format!("{person}/points/{}", row.point_id)
            } else {
                person
            },
            number: address.masked(),
            said: entry_in_words(&row, &times),
            instead: String::new(),
        };
        if row.lifted_at.is_some() {
            ended.push(shown);
            continue;
        }
        let found = contact::find(&app.db, &app.keys, row.contact_id).await?;
        let points = found.map(|contact| contact.points).unwrap_or_default();
        let open = points.iter().filter(|point| point.opted_out_at.is_none());
        shown.instead = instead(open.map(|point| point.kind));
        held.push(shown);
    }
    let view = OptOuts {
        page: frame(&app, &signed_in.user, "Opted out", Section::People),
        held,
        ended,
    };
    show(StatusCode::OK, &view)
}

/// "Since 3 September 2026, by SMS with a reserved word" and, once it ended, when and how.
pub(super) fn entry_in_words(row: &LedgerRow, times: &Times) -> String {
    let by = |how: How, actor: &str| {
        let said = low(how_in_words(how));
        match how {
            How::Sms => said,
            _ => format!("{said}, entered by {}", format::actor(actor)),
        }
    };
    let began = format!("{}, {}", times.day(row.at), by(row.how, &row.actor));
    match (row.lifted_at, row.lifted_how, &row.lifted_by) {
        (Some(at), Some(how), Some(actor)) => {
            let ended = by(how, actor);
            format!("From {began}, to {}, {ended}.", times.day(at))
        }
        _ => format!("Since {began}."),
    }
}

/// The words of a sentence's beginning, further on in one.
fn low(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// How it was asked for.
pub(super) fn how_in_words(how: How) -> &'static str {
    match how {
        How::Sms => "By a reserved word in a text",
        How::Written => "In a letter or mail",
        How::Phone => "On the phone",
        How::InPerson => "In person",
        How::Mistake => "Entered by mistake",
    }
}

/// What happens instead, by the kinds of a person's points that have not opted out.
pub(super) fn instead(open: impl Iterator<Item = PointKind>) -> String {
    let open: Vec<PointKind> = open.collect();
    let other = if open.contains(&PointKind::Mobile) {
        "Other messages go to another mobile number."
    } else if open.contains(&PointKind::Email) {
        "Other messages go by e-mail."
    } else if open.contains(&PointKind::Landline) {
        "Other messages reach this person by a call alone."
    } else {
        "Other messages do not reach this person: they are shown as excluded before sending."
    };
    format!("Emergencies are still sent here. {other}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_instead_is_said_by_what_is_left() {
        let said = |open: &[PointKind]| instead(open.iter().copied());
        assert!(said(&[PointKind::Email, PointKind::Mobile]).contains("another mobile"));
        assert!(said(&[PointKind::Email]).contains("by e-mail"));
        assert!(said(&[PointKind::Landline]).contains("a call alone"));
        assert!(said(&[]).contains("do not reach"));
    }
}
