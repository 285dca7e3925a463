//! One number or address of a person: what is known of it, and what somebody may write down about it.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::account::role::Act;
use crate::app::App;
use crate::directory::contact::{Contact, Point};
use crate::directory::health;
use crate::directory::opt_out::{self, How, Wish};
use crate::ids::{ContactId, ContactPointId};
use crate::storage::opt_outs;
use crate::web::form::Fields;
use crate::web::format::Times;
use crate::web::pages::opt_outs::{entry_in_words, how_in_words, instead};
use crate::web::pages::people::number_in_words;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::opt_outs::PointPage;
use crate::web::view::{Choice, Notice, Section, Tone};

/// `/people/{id}/points/{point}`.
pub(super) fn router() -> Router<App> {
    Router::new().route("/people/{id}/points/{point}", get(look).post(keep))
}

async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(ids): Path<(ContactId, ContactPointId)>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    show(StatusCode::OK, &page(&app, &signed_in, ids).await?)
}

async fn page(
    app: &App,
    signed_in: &SignedIn,
    (id, point): (ContactId, ContactPointId),
) -> Result<PointPage, PageError> {
    let contact = super::load(app, id).await?;
    let times = Times::new(&app.config, app.clock.now());
    let found = contact.points.iter().find(|one| one.id == point);
    let found = found.ok_or_else(PageError::not_found)?;
    let history = opt_outs::list_of_point(&app.db, point).await?;
    Ok(PointPage {
        page: frame(app, &signed_in.user, &contact.name, Section::People),
        back: format!("/people/{id}"),
        name: contact.name.clone(),
        number: number_in_words(found.address.reveal()),
        verified: verified(found, &times),
        is_out: found.opted_out_at.is_some(),
        instead: instead_of(&contact, found),
        history: history
            .iter()
            .map(|row| entry_in_words(row, &times))
            .collect(),
        action: format!("/people/{id}/points/{point}"),
        ways: ways(found.opted_out_at.is_some()),
    })
}

fn verified(point: &Point, times: &Times) -> Notice {
    match (&point.unreachable, point.verified_at) {
        (Some((at, reason)), _) => {
            let text = format!("A message did not arrive on {}: {reason}.", times.day(*at));
            Notice::new(Tone::Wrong, text)
        }
        (None, Some(at)) => Notice::new(Tone::Good, format!("Verified on {}.", times.day(at))),
        (None, None) => Notice::new(
            Tone::Careful,
            "Never verified: nobody has proved that it reaches this person.",
        ),
    }
}

fn instead_of(contact: &Contact, point: &Point) -> String {
    let others = contact.points.iter().filter(|other| other.id != point.id);
    instead(
        others
            .filter(|other| other.opted_out_at.is_none())
            .map(|other| other.kind),
    )
}

/// How it can have been asked for on this page: what comes by a text is written down by itself.
fn ways(is_out: bool) -> Vec<Choice> {
    let ways = [How::Written, How::Phone, How::InPerson, How::Mistake];
    let ways = ways
        .into_iter()
        .filter(|how| is_out || *how != How::Mistake);
    ways.map(|how| Choice::new(how.word(), how_in_words(how)))
        .collect()
}

async fn keep(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((id, point)): Path<(ContactId, ContactPointId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let (now, by) = (app.clock.now(), signed_in.actor());
    let wish = match typed.get("what") {
        "verified" => {
            health::verify(&app.db, id, point, now, &by).await?;
            let page = format!("/people/{id}");
            return Ok(Redirect::to(&page).into_response());
        }
        "out" => Wish::Out,
        _ => Wish::In,
    };
    let Ok(how) = typed.get("how").parse::<How>() else {
        let mut view = page(&app, &signed_in, (id, point)).await?;
        let text = "Nothing was changed. Say how it was asked for.";
        view.page = view.page.notice(Notice::new(Tone::Wrong, text));
        return show(StatusCode::UNPROCESSABLE_ENTITY, &view);
    };
    opt_out::enter(&app.db, (id, point), wish, how, now, &by).await?;
    Ok(Redirect::to(&format!("/people/{id}/points/{point}")).into_response())
}
