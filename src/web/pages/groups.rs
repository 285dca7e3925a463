//! The groups: who is in each, by which rule, and how a group is made and changed.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::account::role::Act;
use crate::alert::words::Category;
use crate::app::App;
use crate::directory;
use crate::directory::group::{self, Group, GroupDraft, Rule, RuleField};
use crate::ids::ContactId;
use crate::storage::groups::CountedRow;
use crate::web::form::Fields;
use crate::web::format::{count, listed, sentence};
use crate::web::pages::contact::list;
use crate::web::pages::people::{PAGE, address, category_in_words, row};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::people::{GroupForm, GroupPage, GroupRow, Groups};
use crate::web::view::sign_in::Field;
use crate::web::view::{Act as Button, Fact, Link, Notice, Pages, Section, Tone, people};

/// `/groups`, `/groups/{name}` and `/groups/{name}/delete`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/groups", get(all).post(make))
        .route("/groups/{name}", get(look).post(change))
        .route("/groups/{name}/delete", post(delete))
}

async fn all(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::SeeDirectory)?;
    show(StatusCode::OK, &all_page(&app, &signed_in, None).await?)
}

async fn all_page(
    app: &App,
    signed_in: &SignedIn,
    refused: Option<(&Fields, String)>,
) -> Result<Groups, PageError> {
    let mut rows = Vec::new();
    for row in group::list(&app.db).await? {
        rows.push(GroupRow {
            rule: in_words(app, &row).await?,
            href: format!("/groups/{}", row.name),
            name: row.name,
            title: row.title,
            count: count(row.people),
        });
    }
    let mut page = frame(app, &signed_in.user, "Groups", Section::People);
    let is_open = refused.is_some();
    let mut fields = fields(|_| String::new());
    if let Some((typed, why)) = refused {
        page = page.notice(not_saved(&why));
        fields = self::fields(|name| typed.get(name).to_owned());
    }
    let form = GroupForm {
        action: "/groups".to_owned(),
        fields,
        button: "Make this group".to_owned(),
        is_open,
    };
    let form = signed_in.user.may(Act::EditDirectory).then_some(form);
    Ok(Groups { page, rows, form })
}

fn not_saved(why: &str) -> Notice {
    Notice::new(Tone::Wrong, format!("Nothing was saved. {}", sentence(why)))
}

/// What makes a group: its rules, the groups in it, else the people on its list.
async fn in_words(app: &App, row: &CountedRow) -> Result<String, PageError> {
    if row.rules == 0 && row.parts == 0 {
        return Ok("Named people".to_owned());
    }
    let group = group::find(&app.db, row.id)
        .await?
        .ok_or_else(PageError::not_found)?;
    Ok(made_of(&group))
}

fn made_of(group: &Group) -> String {
    let mut words = Vec::new();
    if !group.rules.is_empty() {
        let fields = RuleField::ALL.iter().filter_map(|field| {
            let values: Vec<String> = group
                .rules
                .iter()
                .filter(|rule| rule.field == *field)
                .map(value_in_words)
                .collect();
            let name = if *field == RuleField::Role {
                "work"
            } else {
                field.word()
            };
            (!values.is_empty()).then(|| format!("{name} is {}", values.join(" or ")))
        });
        words.push(format!(
            "Everyone whose {}",
            listed(&fields.collect::<Vec<_>>())
        ));
    }
    if !group.parts.is_empty() {
        words.push(format!("Everyone in {}", listed(&group.parts)));
    }
    if words.is_empty() {
        "Named people".to_owned()
    } else {
        words.join("; ")
    }
}

fn value_in_words(rule: &Rule) -> String {
    match (rule.field, rule.value.parse::<Category>()) {
        (RuleField::Category, Ok(category)) => category_in_words(category).0.to_lowercase(),
        _ => format!("“{}”", rule.value),
    }
}

/// The form's fields: a title, one line of values for each kind of rule, groups inside.
fn fields(value: impl Fn(&str) -> String) -> Vec<Field> {
    let line = |name: &str, label: &str, hint: &str| Field {
        required: name == "title",
        hint: hint.to_owned(),
        ..Field::text(name, label, &value(name))
    };
    vec![
        line("title", "Name", "As people read it: “Night shift”"),
        line(
            "category",
            "Category",
            "staff, vendor, authority or patient",
        ),
        line("role", "Work", "Several values separated by ;"),
        line("site", "Site", ""),
        line("unit", "Unit", ""),
        line("tag", "Tag", ""),
        line("parts", "Groups inside it", "Short names, separated by ;"),
    ]
}

/// A page of the group's people.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    after: Option<ContactId>,
    #[serde(default)]
    skipped: u64,
    #[serde(default)]
    done: String,
}

async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    signed_in.require(Act::SeeDirectory)?;
    let group = load(&app, &name).await?;
    let mut view = page(&app, &signed_in, &group, &asked).await?;
    if asked.done == "saved" {
        view.page = view.page.notice(Notice::new(Tone::Good, "Saved."));
    }
    show(StatusCode::OK, &view)
}

async fn load(app: &App, name: &str) -> Result<Group, PageError> {
    group::find_by_name(&app.db, name)
        .await?
        .ok_or_else(PageError::not_found)
}

async fn page(
    app: &App,
    signed_in: &SignedIn,
    group: &Group,
    asked: &Asked,
) -> Result<GroupPage, PageError> {
    let members = group::members(&app.db, &app.keys, group.id, asked.after, PAGE).await?;
    let counted = group::list(&app.db).await?;
    let total = counted
        .iter()
        .find(|row| row.id == group.id)
        .map_or(0, |row| count(row.people));
    let shelf = app.shelf();
    let language = app.config.organisation.language();
    let templates = shelf
        .templates
        .iter()
        .filter(|one| one.audience.contains(&group.name));
    let path = format!("/groups/{}", group.name);
    let may_edit = signed_in.user.may(Act::EditDirectory);
    Ok(GroupPage {
        page: frame(app, &signed_in.user, &group.title, Section::People),
        title: group.title.clone(),
        facts: vec![
            Fact::new("For scripts", &group.name),
            Fact::new("Who", made_of(group)),
            Fact::new("Now", people(total)),
        ],
        templates: templates
            .map(|one| Link::new(one.title_in(&language), format!("/templates/{}", one.name)))
            .collect(),
        pages: pages(&path, asked, members.items.len(), members.next, total),
        rows: members
            .items
            .iter()
            .map(|contact| row(contact, app.clock.now()))
            .collect(),
        form: may_edit.then(|| GroupForm {
            action: path.clone(),
            fields: fields(|name| value_of(group, name)),
            button: "Save".to_owned(),
            is_open: false,
        }),
        delete: may_edit.then(|| Button::post("Delete this group", format!("{path}/delete"))),
    })
}

fn value_of(group: &Group, name: &str) -> String {
    match name {
        "title" => group.title.clone(),
        "parts" => group.parts.join("; "),
        _ => {
            let rules = group.rules.iter().filter(|rule| rule.field.word() == name);
            rules
                .map(|rule| rule.value.as_str())
                .collect::<Vec<_>>()
                .join("; ")
        }
    }
}

fn pages(path: &str, asked: &Asked, shown: usize, next: Option<ContactId>, total: u64) -> Pages {
    if next.is_none() && asked.after.is_none() {
        return Pages::default();
    }
    let last = asked.skipped + shown as u64;
    let (skipped, cursor) = (last.to_string(), next.map(|id| id.to_string()));
    Pages {
        shown: format!("{} to {last} of {total}", asked.skipped + 1),
        previous: asked.after.map(|_| path.to_owned()),
        next: cursor.map(|cursor| address(path, &[("after", &cursor), ("skipped", &skipped)])),
    }
}

/// What the form says; every rule and part anew, the people on the list untouched.
fn draft(typed: &Fields, name: Option<String>) -> GroupDraft {
    let rules = RuleField::ALL.iter().flat_map(|field| {
        let values = list(typed.get(field.word()));
        values.into_iter().map(|value| Rule {
            field: *field,
            value: if *field == RuleField::Category {
                value.to_lowercase()
            } else {
                value
            },
        })
    });
    GroupDraft {
        title: typed.get("title").to_owned(),
        name,
        members: None,
        parts: Some(list(typed.get("parts"))),
        rules: Some(rules.collect()),
    }
}

async fn make(
    State(app): State<App>,
    signed_in: SignedIn,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let now = app.clock.now();
    match group::create(&app.db, draft(&typed, None), now, &signed_in.actor()).await {
        Ok(group) => Ok(to(&group)),
        Err(refused @ directory::Error::Refused(_)) => {
            let refused = Some((&typed, refused.to_string()));
            let view = all_page(&app, &signed_in, refused).await?;
            show(StatusCode::UNPROCESSABLE_ENTITY, &view)
        }
        Err(error) => Err(error.into()),
    }
}

fn to(group: &Group) -> Response {
    Redirect::to(&format!("/groups/{}?done=saved", group.name)).into_response()
}

async fn change(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let group = load(&app, &name).await?;
    let now = app.clock.now();
    let draft = draft(&typed, Some(group.name.clone()));
    match group::update(&app.db, group.id, draft, now, &signed_in.actor()).await {
        Ok(group) => Ok(to(&group)),
        Err(refused @ directory::Error::Refused(_)) => {
            let mut view = page(&app, &signed_in, &group, &Asked::default()).await?;
            view.page = view.page.notice(not_saved(&refused.to_string()));
            if let Some(form) = &mut view.form {
                form.fields = fields(|name| typed.get(name).to_owned());
                form.is_open = true;
            }
            show(StatusCode::UNPROCESSABLE_ENTITY, &view)
        }
        Err(error) => Err(error.into()),
    }
}

async fn delete(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let group = load(&app, &name).await?;
    group::delete(&app.db, group.id, app.clock.now(), &signed_in.actor()).await?;
    Ok(Redirect::to("/groups").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GroupId;

    #[test]
    fn a_group_says_in_words_who_is_in_it() {
        let rule = |field, value: &str| Rule {
            field,
            value: value.to_owned(),
        };
        let group = Group {
            id: GroupId::new(),
            name: "icu".to_owned(),
            title: "ICU".to_owned(),
            parts: vec!["night".to_owned()],
            rules: vec![
                rule(RuleField::Category, "staff"),
                rule(RuleField::Unit, "ICU"),
                rule(RuleField::Unit, "IMC"),
            ],
        };
        assert_eq!(
            made_of(&group),
            "Everyone whose category is staff and unit is “ICU” or “IMC”; Everyone in night"
        );
    }

    #[test]
    fn a_form_becomes_rules_and_leaves_the_list_of_people_alone() {
        let draft = draft(
            &Fields::parse(b"title=ICU&category=Staff&unit=ICU%3BIMC&parts="),
            None,
        );
        let rules = draft.rules.unwrap();
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[0].value, "staff");
        assert_eq!(draft.parts, Some(Vec::new()));
        assert_eq!(draft.members, None);
    }
}
