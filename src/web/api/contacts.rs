//! People of the directory: listed, made, replaced, archived.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::alerts::time;
use super::input::{Body, Query, flag, id, number, parsed};
use super::page::{self, Page};
use crate::account::token::Need;
use crate::alert::words::{Category, Language};
use crate::app::App;
use crate::directory::contact::{
    self, Contact, ContactDraft, Point, PointDraft, PointKind, Wanted,
};
use crate::directory::email_address::EmailAddress;
use crate::directory::group;
use crate::directory::phone_number::PhoneNumber;
use crate::ids::{ContactId, ContactPointId};
use crate::web::problem::Problem;
use crate::web::token::Bearer;

const NOBODY: &str = "there is no such person in the directory";

/// Which people to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct ContactQuery {
    /// Part of the name, role, site or unit.
    pub text: Option<String>,
    /// Only this category.
    #[serde(deserialize_with = "parsed")]
    pub category: Option<Category>,
    /// Only people of this group, by its name.
    pub group: Option<String>,
    /// Only people with this tag.
    pub tag: Option<String>,
    /// `true`: also people who are archived.
    #[serde(deserialize_with = "flag")]
    pub archived: Option<bool>,
    /// Entries on the page: 1 to 1000, else 200. More than 1000 gives 1000.
    #[serde(deserialize_with = "number")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A person. Numbers and addresses are in full for tokens with `contacts:write`, else masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ContactBody {
    /// What the API calls the person.
    pub id: ContactId,
    /// The organisation's own number for the person.
    pub external_id: Option<String>,
    /// As written in the directory.
    pub name: String,
    /// The first e-mail address.
    pub email: Option<String>,
    /// The first mobile number.
    pub mobile: Option<String>,
    /// The first other number.
    pub phone: Option<String>,
    /// The language messages are sent in.
    pub language: Language,
    /// What the person is to the organisation.
    pub category: Category,
    /// The person's work; empty if unknown.
    pub role: String,
    /// The building or place; empty if unknown.
    pub site: String,
    /// The department; empty if unknown.
    pub unit: String,
    /// Groups that list the person, by name; groups by rule are not among them.
    pub groups: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Extra columns; empty for tokens without `contacts:write`.
    pub fields: BTreeMap<String, String>,
    /// Every number and address, in the order in which they are tried.
    pub points: Vec<PointBody>,
    /// Whom the person reports to.
    pub manager: Option<ContactId>,
    /// Since when the person is out of use (RFC 3339).
    #[schema(format = DateTime)]
    pub archived_at: Option<String>,
}

/// One number or address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PointBody {
    /// What the API calls it.
    pub id: ContactPointId,
    /// What it is good for.
    pub kind: PointKind,
    /// E.164 or an e-mail address; masked for tokens without `contacts:write`.
    pub address: String,
    /// Digits to dial after the call is answered.
    pub extension: Option<String>,
    /// Since when nothing routine may be sent there (RFC 3339).
    #[schema(format = DateTime)]
    pub opted_out_at: Option<String>,
}

/// What a person is to become: the whole of it, also on a change. `email`, `mobile` and `phone`
/// come before `points`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactDraftBody {
    /// The organisation's own number; nobody else may have it.
    #[serde(default)]
    pub external_id: Option<String>,
    /// 1 to 200 characters.
    #[schema(example = "Dana Ortiz", min_length = 1, max_length = 200)]
    pub name: String,
    /// An e-mail address.
    #[serde(default)]
    #[schema(example = "dana@clinic.example")]
    pub email: Option<String>,
    /// A number that takes texts; without a country code it is the house's own country's.
    #[serde(default)]
    #[schema(example = "+1 212 555 0142")]
    pub mobile: Option<String>,
    /// A number that takes calls.
    #[serde(default)]
    pub phone: Option<String>,
    /// A language tag; absent: the house's own.
    #[serde(default)]
    #[schema(example = "es")]
    pub language: Option<String>,
    /// What the person is to the organisation; absent: `staff`.
    #[serde(default)]
    pub category: Option<Category>,
    /// The person's work.
    #[serde(default)]
    pub role: String,
    /// The building or place.
    #[serde(default)]
    pub site: String,
    /// The department.
    #[serde(default)]
    pub unit: String,
    /// Groups that exist, by name.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Extra columns: an appointment, a room.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// More numbers and addresses, in the order in which they are tried.
    #[serde(default)]
    pub points: Vec<PointDraftBody>,
    /// Whom the person reports to.
    #[serde(default)]
    pub manager: Option<ContactId>,
}

/// One more number or address.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointDraftBody {
    /// What it is good for.
    pub kind: PointKind,
    /// A number as people write it, or an e-mail address.
    pub address: String,
}

/// The people of the directory in the order of their names.
#[utoipa::path(
    get, path = "/api/v1/contacts", tag = "directory", operation_id = "list_contacts",
    params(ContactQuery),
    responses(
        (status = 200, description = "A page of people", body = Page<ContactBody>),
        (status = 403, description = "The token lacks the scope `read` or `contacts:write`"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<ContactQuery>, Problem>,
) -> Result<Json<Page<ContactBody>>, Problem> {
    let shown = Shown::to(&bearer)?;
    let Query(query) = query?;
    let limit = i64::try_from(page::limit(query.limit)?).unwrap_or(i64::MAX);
    let group = match &query.group {
        None => None,
        Some(name) => {
            let group = group::find_by_name(&app.db, name).await?;
            let missing =
                || Problem::invalid(format!("there is no group \"{name}\"")).field("group");
            Some(group.ok_or_else(missing)?.id)
        }
    };
    let after = match &query.cursor {
        None => None,
        Some(cursor) => {
            let id: ContactId = cursor.parse().map_err(|_cause| page::unknown_cursor())?;
            contact::find(&app.db, &app.keys, id)
                .await?
                .ok_or_else(page::unknown_cursor)?;
            Some(id)
        }
    };
    let wanted = Wanted {
        text: query.text,
        category: query.category,
        group,
        tag: query.tag,
        with_archived: query.archived.unwrap_or(false),
        concern: None,
    };
    let found = contact::list(&app.db, &app.keys, &wanted, after, limit).await?;
    let items = found
        .items
        .into_iter()
        .map(|contact| shown.body(contact))
        .collect();
    Ok(Json(Page {
        items,
        next: found.next.map(|id| id.to_string()),
    }))
}

/// One person, archived or not.
#[utoipa::path(
    get, path = "/api/v1/contacts/{id}", tag = "directory", operation_id = "get_contact",
    params(("id" = String, Path, format = Uuid, description = "The person's id")),
    responses(
        (status = 200, description = "The person", body = ContactBody),
        (status = 403, description = "The token lacks the scope `read` or `contacts:write`"),
        (status = 404, description = "There is no such person"),
    )
)]
pub async fn get(
    State(app): State<App>,
    bearer: Bearer,
    Path(contact): Path<String>,
) -> Result<Json<ContactBody>, Problem> {
    let shown = Shown::to(&bearer)?;
    let contact = contact::find(&app.db, &app.keys, id(&contact, NOBODY)?).await?;
    contact
        .map(|contact| Json(shown.body(contact)))
        .ok_or_else(|| Problem::not_found(NOBODY))
}

/// Adds a person.
#[utoipa::path(
    post, path = "/api/v1/contacts", tag = "directory", operation_id = "create_contact",
    request_body = ContactDraftBody,
    responses(
        (status = 201, description = "The person is in the directory", body = ContactBody,
         headers(("Location" = String, description = "The person's address in the API"))),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 422, description = "Something about the person cannot be"),
    )
)]
pub async fn create(
    State(app): State<App>,
    bearer: Bearer,
    body: Result<Body<ContactDraftBody>, Problem>,
) -> Result<Response, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let draft = draft(&app, body?.0)?;
    let now = app.clock.now();
    let contact = contact::create(&app.db, &app.keys, draft, now, &bearer.actor()).await?;
    let location = format!("/api/v1/contacts/{}", contact.id);
    let body = Json(Shown::InFull.body(contact));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Replaces a person by what is sent: what is left out is gone. Numbers that stay keep their
/// opt-out. An archived person is in use again.
#[utoipa::path(
    put, path = "/api/v1/contacts/{id}", tag = "directory", operation_id = "replace_contact",
    params(("id" = String, Path, format = Uuid, description = "The person's id")),
    request_body = ContactDraftBody,
    responses(
        (status = 200, description = "The person as it is now", body = ContactBody),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 404, description = "There is no such person"),
        (status = 422, description = "Something about the person cannot be"),
    )
)]
pub async fn replace(
    State(app): State<App>,
    bearer: Bearer,
    Path(contact): Path<String>,
    body: Result<Body<ContactDraftBody>, Problem>,
) -> Result<Json<ContactBody>, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let id = id(&contact, NOBODY)?;
    let draft = draft(&app, body?.0)?;
    let now = app.clock.now();
    let contact = contact::update(&app.db, &app.keys, id, draft, now, &bearer.actor()).await?;
    Ok(Json(Shown::InFull.body(contact)))
}

/// Takes a person out of use. Old reports still show the person. Twice changes nothing.
#[utoipa::path(
    delete, path = "/api/v1/contacts/{id}", tag = "directory", operation_id = "archive_contact",
    params(("id" = String, Path, format = Uuid, description = "The person's id")),
    responses(
        (status = 204, description = "The person is out of use"),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 404, description = "There is no such person"),
    )
)]
pub async fn archive(
    State(app): State<App>,
    bearer: Bearer,
    Path(contact): Path<String>,
) -> Result<StatusCode, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let id = id(&contact, NOBODY)?;
    contact::archive(&app.db, id, app.clock.now(), &bearer.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much of a person a token sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    InFull,
    Masked,
}

impl Shown {
    fn to(bearer: &Bearer) -> Result<Self, Problem> {
        if bearer.allows(&Need::WriteContacts) {
            return Ok(Self::InFull);
        }
        bearer.require(&Need::Read)?;
        Ok(Self::Masked)
    }

    fn body(self, contact: Contact) -> ContactBody {
        let first = |kind: PointKind| {
            contact
                .points
                .iter()
                .find(|point| point.kind == kind)
                .map(|point| self.address(point))
        };
        ContactBody {
            email: first(PointKind::Email),
            mobile: first(PointKind::Mobile),
            phone: first(PointKind::Landline),
            points: contact
                .points
                .iter()
                .map(|point| self.point(point))
                .collect(),
            id: contact.id,
            external_id: contact.external_id,
            name: contact.name,
            language: contact.language,
            category: contact.category,
            role: contact.role,
            site: contact.site,
            unit: contact.unit,
            groups: contact.groups,
            tags: contact.tags,
            fields: if self == Self::InFull {
                contact.fields
            } else {
                BTreeMap::new()
            },
            manager: contact.manager_id,
            archived_at: contact.archived_at.map(time),
        }
    }

    fn point(self, point: &Point) -> PointBody {
        PointBody {
            id: point.id,
            kind: point.kind,
            address: self.address(point),
            extension: Some(point.extension.clone()).filter(|extension| !extension.is_empty()),
            opted_out_at: point.opted_out_at.map(time),
        }
    }

    fn address(self, point: &Point) -> String {
        match self {
            Self::InFull => point.address.reveal().to_owned(),
            Self::Masked => point.address.masked(),
        }
    }
}

fn draft(app: &App, body: ContactDraftBody) -> Result<ContactDraft, Problem> {
    let house = &app.config.organisation;
    let language = match body.language.as_deref() {
        None => house.language(),
        Some(tag) => Language::parse(tag).ok_or_else(|| {
            Problem::invalid("the language must be a tag such as en or pt-BR").field("language")
        })?,
    };
    let named = [
        ("email", PointKind::Email, body.email),
        ("mobile", PointKind::Mobile, body.mobile),
        ("phone", PointKind::Landline, body.phone),
    ];
    let mut points = Vec::new();
    for (field, kind, address) in named {
        if let Some(address) = address.filter(|address| !address.trim().is_empty()) {
            points.push(point(kind, &address, &house.region, field)?);
        }
    }
    for (index, more) in body.points.iter().enumerate() {
        let field = format!("points[{index}].address");
        points.push(point(more.kind, &more.address, &house.region, &field)?);
    }
    Ok(ContactDraft {
        external_id: body.external_id,
        name: body.name,
        language,
        category: body.category.unwrap_or(Category::Staff),
        role: body.role,
        site: body.site,
        unit: body.unit,
        tags: body.tags,
        fields: body.fields,
        groups: body.groups,
        points,
        manager_id: body.manager,
    })
}

fn point(kind: PointKind, text: &str, region: &str, field: &str) -> Result<PointDraft, Problem> {
    let refused = |cause: String| Problem::invalid(format!("{field}: {cause}")).field(field);
    if kind == PointKind::Email {
        let email = EmailAddress::parse(text).map_err(|cause| refused(cause.to_string()))?;
        return Ok(PointDraft {
            kind,
            address: email.address().clone(),
            extension: String::new(),
        });
    }
    let number = PhoneNumber::parse(text, region).map_err(|cause| refused(cause.to_string()))?;
    let extension = number.extension().unwrap_or_default().to_owned();
    Ok(PointDraft {
        kind,
        address: number.address().clone(),
        extension,
    })
}
