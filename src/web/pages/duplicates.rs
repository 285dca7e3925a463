//! People who may be in the directory twice: listed, compared side by side, made one or kept apart.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::account::role::Act;
use crate::app::App;
use crate::directory;
use crate::directory::contact::{self, Contact};
use crate::directory::merge;
use crate::ids::ContactId;
use crate::storage::duplicates::PairRow as Pair;
use crate::web::form::Fields;
use crate::web::format::{self, sentence};
use crate::web::pages::people::{category_in_words, number_in_words, place};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::duplicates::{Compare, Duplicates, Entry, PairRow};
use crate::web::view::{Fact, Notice, Section, Tone};

/// `/people/duplicates` and `/people/duplicates/{one}/{other}`.
pub fn router() -> Router<App> {
    Router::new().route("/people/duplicates", get(list)).route(
        "/people/duplicates/{one}/{other}",
        get(compare).post(choose),
    )
}

async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let pairs = merge::likely(&app.db).await?;
    let view = Duplicates {
        page: frame(
            &app,
            &signed_in.user,
            "In the directory twice?",
            Section::People,
        ),
        rows: pairs.iter().map(row).collect(),
    };
    show(StatusCode::OK, &view)
}

fn row(pair: &Pair) -> PairRow {
    let names = if pair.one_name == pair.other_name {
        format!("{}, twice", pair.one_name)
    } else {
        format!("{} and {}", pair.one_name, pair.other_name)
    };
    let shared = if pair.same_point {
        "The same number or address"
    } else {
        "The same name and site"
    };
    PairRow {
        names,
        shared: shared.to_owned(),
        href: format!("/people/duplicates/{}/{}", pair.one, pair.other),
    }
}

async fn compare(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(pair): Path<(ContactId, ContactId)>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    show(StatusCode::OK, &page(&app, &signed_in, pair, None).await?)
}

async fn page(
    app: &App,
    signed_in: &SignedIn,
    (one, other): (ContactId, ContactId),
    refused: Option<&str>,
) -> Result<Compare, PageError> {
    let find = async |id| {
        let found = contact::find(&app.db, &app.keys, id).await?;
        found.ok_or_else(PageError::not_found)
    };
    let (first, second) = (find(one).await?, find(other).await?);
    let are_merged = first.merged_into.is_some() || second.merged_into.is_some();
    Ok(Compare {
        page: frame(app, &signed_in.user, "One person or two?", Section::People),
        refused: refused.map(|why| {
            Notice::new(
                Tone::Wrong,
                format!("Nothing was changed. {}", sentence(why)),
            )
        }),
        entries: vec![entry(&first), entry(&second)],
        action: format!("/people/duplicates/{one}/{other}"),
        may_choose: !are_merged,
    })
}

fn entry(contact: &Contact) -> Entry {
    let mut facts = vec![
        Fact::new("Category", category_in_words(contact.category).0),
        Fact::new("Language", format::language(&contact.language)),
    ];
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            facts.push(Fact::new(label, value));
        }
    };
    for point in &contact.points {
        let label = match point.kind {
            contact::PointKind::Mobile => "Mobile",
            contact::PointKind::Landline => "Landline",
            contact::PointKind::Email => "E-mail",
        };
        add(label, number_in_words(point.address.reveal()));
    }
    let work = [&*contact.role, &*contact.unit, &*contact.site];
    add("Work", place(&work));
    add("Groups", contact.groups.join(", "));
    add("Tags", contact.tags.join(", "));
    add("Number", contact.external_id.clone().unwrap_or_default());
    Entry {
        id: contact.id.to_string(),
        name: contact.name.clone(),
        href: format!("/people/{}", contact.id),
        facts,
    }
}

async fn choose(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((one, other)): Path<(ContactId, ContactId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let (now, by) = (app.clock.now(), signed_in.actor());
    let keep = typed.get("keep");
    if keep == "both" {
        merge::keep_apart(&app.db, one, other, now, &by).await?;
        return Ok(Redirect::to("/people/duplicates").into_response());
    }
    let (keep, gone) = match keep.parse::<ContactId>() {
        Ok(keep) if keep == one => (one, other),
        Ok(keep) if keep == other => (other, one),
        _ => {
            let why = "choose which of the two entries stays";
            let view = page(&app, &signed_in, (one, other), Some(why)).await?;
            return show(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    match merge::merge(&app.db, &app.keys, keep, gone, now, &by).await {
        Ok(()) => Ok(Redirect::to(&format!("/people/{keep}?done=merged")).into_response()),
        Err(refused @ directory::Error::Refused(_)) => {
            let why = refused.to_string();
            let view = page(&app, &signed_in, (one, other), Some(&why)).await?;
            show(StatusCode::UNPROCESSABLE_ENTITY, &view)
        }
        Err(error) => Err(error.into()),
    }
}
