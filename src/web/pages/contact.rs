//! One person of the directory: looked at, made, changed, taken out of use.

mod fields;

mod point;

pub(super) use fields::list;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::account::role::Act;
use crate::app::App;
use crate::directory;
use crate::directory::contact::{self, Contact, Point, PointKind};
use crate::directory::group::{self, Rule, RuleField};
use crate::directory::health;
use crate::ids::ContactId;
use crate::storage::{alerts, calls};
use crate::web::form::Fields;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::people::{category_in_words, concern_in_words, number_in_words, place};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::person::{ContactPage, NewContact, PointRow};
use crate::web::view::sign_in::Field;
use crate::web::view::{Act as Button, Fact, Link, Notice, Section, Tone};

/// Alerts shown of one person.
const ALERTS: i64 = 20;

/// `/people/new`, `/people/{id}` and `/people/{id}/archive`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/people/new", get(new_form).post(make))
        .route("/people/{id}", get(look).post(change))
        .route("/people/{id}/archive", post(archive))
        .merge(point::router())
}

/// What was just done, for the sentence above the page.
#[derive(Debug, Default, Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<ContactId>,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    signed_in.require(Act::SeeDirectory)?;
    let contact = load(&app, id).await?;
    let mut view = page(&app, &signed_in, &contact).await?;
    let said = match done.done.as_str() {
        "made" => Some("Added to the directory."),
        "saved" => Some("Saved."),
        "merged" => Some("The two entries are one now. The other one leads here."),
        _ => None,
    };
    if let Some(said) = said {
        view.page = view.page.notice(Notice::new(Tone::Good, said));
    }
    show(StatusCode::OK, &view)
}

async fn load(app: &App, id: ContactId) -> Result<Contact, PageError> {
    contact::find(&app.db, &app.keys, id)
        .await?
        .ok_or_else(PageError::not_found)
}

async fn page(
    app: &App,
    signed_in: &SignedIn,
    contact: &Contact,
) -> Result<ContactPage, PageError> {
    let user = &signed_in.user;
    let times = Times::new(&app.config, app.clock.now());
    let may_edit = user.may(Act::EditDirectory) && contact.merged_into.is_none();
    let mut surroundings = frame(app, user, &contact.name, Section::People);
    if let Some(one) = contact.merged_into {
        let text = "This entry and another were the same person and are one now.";
        surroundings = surroundings.notice(Notice {
            tone: Tone::Careful,
            text: text.to_owned(),
            link: Some(Link::new("The entry that stayed", format!("/people/{one}"))),
        });
    } else if let Some(since) = contact.archived_at {
        let text = format!(
            "Taken out of use on {}: no alert goes to this person.{}",
            times.day(since),
            if may_edit {
                " Save to bring them back."
            } else {
                ""
            }
        );
        surroundings = surroundings.notice(Notice::new(Tone::Careful, text));
    }
    if let Some((at, alert)) = calls::last_wrong_number(&app.db, contact.id).await? {
        let text = format!(
            "A caller reported a wrong number on {} (alert {alert}). Check it with the person.",
            times.day(at)
        );
        surroundings = surroundings.notice(Notice::new(Tone::Careful, text));
    }
    let sees_numbers = user.may(Act::SeeNumbers);
    Ok(ContactPage {
        page: surroundings,
        name: contact.name.clone(),
        place: place(&[&contact.role, &contact.unit, &contact.site]),
        facts: facts(app, contact, may_edit).await?,
        points: points(contact, sees_numbers, may_edit, &times),
        groups: groups(app, contact).await?,
        fields: if may_edit {
            fields::of(app, contact)
        } else {
            Vec::new()
        },
        action: format!("/people/{}", contact.id),
        archive: (may_edit && contact.archived_at.is_none()).then(|| {
            let href = format!("/people/{}/archive", contact.id);
            Button::post("Take out of use", href)
        }),
        alerts: appearances(app, contact.id, &times).await?,
    })
}

async fn facts(app: &App, contact: &Contact, may_edit: bool) -> Result<Vec<Fact>, PageError> {
    let mut facts = vec![
        Fact::new("Category", category_in_words(contact.category).0),
        Fact::new("Language", format::language(&contact.language)),
    ];
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            facts.push(Fact::new(label, value));
        }
    };
    let health: Vec<&str> = health::concerns(contact, app.clock.now())
        .into_iter()
        .map(concern_in_words)
        .collect();
    let health = if health.is_empty() {
        "Good".to_owned()
    } else {
        sentence(&health.join("; "))
    };
    add("Contact data", health);
    add("Work", contact.role.clone());
    add("Unit", contact.unit.clone());
    add("Site", contact.site.clone());
    add("Tags", contact.tags.join(", "));
    add("Number", contact.external_id.clone().unwrap_or_default());
    if let Some(manager) = contact.manager_id {
        let row = crate::storage::contacts::find(&app.db, manager).await?;
        add("Reports to", row.map(|row| row.name).unwrap_or_default());
    }
    // Extra columns may hold an appointment: for those who keep the directory alone.
    if may_edit {
        for (name, value) in &contact.fields {
            add(
                &sentence(name).replace('.', "").replace('_', " "),
                value.clone(),
            );
        }
    }
    Ok(facts)
}

/// The phones first: an alert goes there first.
fn points(contact: &Contact, sees_numbers: bool, may_edit: bool, times: &Times) -> Vec<PointRow> {
    [PointKind::Mobile, PointKind::Landline, PointKind::Email]
        .into_iter()
        .flat_map(|kind| {
            contact
                .points
                .iter()
                .filter(move |point| point.kind == kind)
        })
        .map(|point| PointRow {
            keep: may_edit.then(|| format!("/people/{}/points/{}", contact.id, point.id)),
            ..row(point, sees_numbers, times)
        })
        .collect()
}

fn row(point: &Point, sees_numbers: bool, times: &Times) -> PointRow {
    let clear = point.address.reveal();
    let (kind, scheme) = match point.kind {
        PointKind::Mobile => ("Mobile", "tel:"),
        PointKind::Landline => ("Landline", "tel:"),
        PointKind::Email => ("E-mail", "mailto:"),
    };
    let mut shown = if sees_numbers {
        number_in_words(clear)
    } else {
        point.address.masked()
    };
    if !point.extension.is_empty() {
        shown = format!("{shown} ext. {}", point.extension);
    }
    let (remark, tone) = match (&point.unreachable, point.opted_out_at, point.verified_at) {
        (Some((at, reason)), _, _) => {
            let remark = format!("Not reached on {}: {reason}", times.day(*at));
            (remark, Tone::Wrong)
        }
        (None, Some(at), _) => (format!("Opted out on {}", times.day(at)), Tone::Careful),
        (None, None, Some(at)) => (format!("Verified on {}", times.day(at)), Tone::Good),
        (None, None, None) => (String::new(), Tone::Plain),
    };
    PointRow {
        kind: kind.to_owned(),
        shown,
        href: sees_numbers.then(|| format!("{scheme}{clear}")),
        remark,
        tone,
        keep: None,
    }
}

/// The groups that list the person, and those whose rules fit.
async fn groups(app: &App, contact: &Contact) -> Result<Vec<Link>, PageError> {
    let mut links = Vec::new();
    for row in group::list(&app.db).await? {
        let fits = contact.groups.contains(&row.name)
            || (row.rules > 0
                && group::find(&app.db, row.id)
                    .await?
                    .is_some_and(|group| fits(&group.rules, contact)));
        if fits {
            links.push(Link::new(row.title, format!("/groups/{}", row.name)));
        }
    }
    Ok(links)
}

/// Whether, for every field that there are rules on, one value matches.
fn fits(rules: &[Rule], contact: &Contact) -> bool {
    let matches = |rule: &Rule| match rule.field {
        RuleField::Category => rule.value == contact.category.word(),
        RuleField::Role => rule.value.eq_ignore_ascii_case(&contact.role),
        RuleField::Site => rule.value.eq_ignore_ascii_case(&contact.site),
        RuleField::Unit => rule.value.eq_ignore_ascii_case(&contact.unit),
        RuleField::Tag => contact
            .tags
            .iter()
            .any(|tag| tag.eq_ignore_ascii_case(&rule.value)),
    };
    let one_fits = |field| {
        rules
            .iter()
            .any(|rule| rule.field == field && matches(rule))
    };
    !rules.is_empty() && rules.iter().all(|rule| one_fits(rule.field))
}

async fn appearances(app: &App, id: ContactId, times: &Times) -> Result<Vec<Link>, PageError> {
    let language = app.config.organisation.language();
    let rows = alerts::list_of_contact(&app.db, id, ALERTS).await?;
    let link = |row: alerts::Appearance| {
        let title = row
            .title
            .get(&language)
            .or_else(|| row.title.values().next());
        let title = title.map_or("", String::as_str);
        let label = format!(
            "{}: {title}, {}",
            row.mode.shown(),
            times.near_minute(row.launched_at)
        );
        Link::new(
            label,
            format!("/alerts/{}/people/{}", row.id, row.recipient),
        )
    };
    Ok(rows.into_iter().map(link).collect())
}

async fn change(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<ContactId>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let contact = load(&app, id).await?;
    let draft = match fields::draft(&app, Some(&contact), &typed) {
        Ok(draft) => draft,
        Err(fields) => {
            let mut view = page(&app, &signed_in, &contact).await?;
            view.fields = fields;
            view.page = view.page.notice(not_saved("Look at the marked lines."));
            return show(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    let now = app.clock.now();
    match contact::update(&app.db, &app.keys, id, draft, now, &signed_in.actor()).await {
        Ok(_) => Ok(Redirect::to(&format!("/people/{id}?done=saved")).into_response()),
        Err(refused @ directory::Error::Refused(_)) => {
            let mut view = page(&app, &signed_in, &contact).await?;
            view.fields = fields::typed(&app, &typed);
            view.page = view.page.notice(not_saved(&sentence(&refused.to_string())));
            show(StatusCode::UNPROCESSABLE_ENTITY, &view)
        }
        Err(error) => Err(error.into()),
    }
}

fn not_saved(why: &str) -> Notice {
    Notice::new(Tone::Wrong, format!("Nothing was saved. {why}"))
}

async fn archive(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<ContactId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    contact::archive(&app.db, id, app.clock.now(), &signed_in.actor()).await?;
    Ok(Redirect::to(&format!("/people/{id}")).into_response())
}

async fn new_form(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    show(
        StatusCode::OK,
        &new_page(
            &app,
            &signed_in,
            fields::typed(&app, &Fields::default()),
            "",
        ),
    )
}

fn new_page(app: &App, signed_in: &SignedIn, fields: Vec<Field>, error: &str) -> NewContact {
    let mut page = frame(app, &signed_in.user, "Add a person", Section::People);
    if !error.is_empty() {
        page = page.notice(not_saved(error));
    }
    NewContact {
        page,
        fields,
        action: "/people/new".to_owned(),
    }
}

async fn make(
    State(app): State<App>,
    signed_in: SignedIn,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let draft = match fields::draft(&app, None, &typed) {
        Ok(draft) => draft,
        Err(fields) => {
            let view = new_page(&app, &signed_in, fields, "Look at the marked lines.");
            return show(status, &view);
        }
    };
    let now = app.clock.now();
    match contact::create(&app.db, &app.keys, draft, now, &signed_in.actor()).await {
        Ok(contact) => {
            Ok(Redirect::to(&format!("/people/{}?done=made", contact.id)).into_response())
        }
        Err(refused @ directory::Error::Refused(_)) => {
            let fields = fields::typed(&app, &typed);
            let view = new_page(&app, &signed_in, fields, &sentence(&refused.to_string()));
            show(status, &view)
        }
        Err(error) => Err(error.into()),
    }
}
