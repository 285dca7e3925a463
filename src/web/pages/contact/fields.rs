//! The form of one person: filled from the directory, and read back into what the person becomes.

use std::str::FromStr as _;

use crate::alert::words::{Category, Language};
use crate::app::App;
use crate::directory::contact::{Contact, ContactDraft, Point, PointDraft, PointKind};
use crate::directory::email_address::EmailAddress;
use crate::directory::phone_number::PhoneNumber;
use crate::web::form::Fields;
use crate::web::format::{language as language_in_words, sentence};
use crate::web::pages::people::category_in_words;
use crate::web::view::Choice;
use crate::web::view::sign_in::Field;

/// The form's fields as the directory has them.
pub(super) fn of(app: &App, contact: &Contact) -> Vec<Field> {
    let first = |kind: PointKind| {
        let point = contact.points.iter().find(|point| point.kind == kind);
        point.map_or_else(String::new, written)
    };
    all(app, |name| match name {
        "name" => contact.name.clone(),
        "category" => contact.category.word().to_owned(),
        "language" => contact.language.to_string(),
        "mobile" => first(PointKind::Mobile),
        "phone" => first(PointKind::Landline),
        "email" => first(PointKind::Email),
        "role" => contact.role.clone(),
        "unit" => contact.unit.clone(),
        "site" => contact.site.clone(),
        "groups" => contact.groups.join("; "),
        "tags" => contact.tags.join("; "),
        _ => String::new(),
    })
}

/// The form's fields as they were typed.
pub(super) fn typed(app: &App, typed: &Fields) -> Vec<Field> {
    all(app, |name| typed.get(name).to_owned())
}

fn all(app: &App, value: impl Fn(&str) -> String) -> Vec<Field> {
    let text = |name: &str, label: &str| Field {
        required: false,
        ..Field::text(name, label, &value(name))
    };
    let kind = |field: Field, kind: &str| Field {
        kind: kind.to_owned(),
        ..field
    };
    let hint = |field: Field, hint: &str| Field {
        hint: hint.to_owned(),
        ..field
    };
    let chosen = value("category");
    let categories = Category::ALL.iter().map(|category| {
        let label = category_in_words(*category).0;
        Choice::new(category.word(), label).chosen(chosen == category.word())
    });
    vec![
        Field {
            required: true,
            ..text("name", "Name")
        },
        Field {
            choices: categories.collect(),
            ..text("category", "Category")
        },
        Field {
            choices: languages(app, &value("language")),
            ..text("language", "Language")
        },
        kind(text("mobile", "Mobile"), "tel"),
        kind(text("phone", "Landline"), "tel"),
        kind(text("email", "E-mail"), "email"),
        text("role", "Work"),
        text("unit", "Unit"),
        text("site", "Site"),
        hint(text("groups", "Groups"), "Short names, separated by ;"),
        hint(text("tags", "Tags"), "Separated by ;"),
    ]
}

/// The languages of the house, and the one that the person has.
fn languages(app: &App, own: &str) -> Vec<Choice> {
    let own = Language::parse(own).unwrap_or_else(|| app.config.organisation.language());
    let mut languages = app.config.organisation.languages.clone();
    if !languages.contains(&own) {
        languages.push(own.clone());
    }
    let choice = |language: Language| {
        let words = language_in_words(&language).to_owned();
        Choice::new(language.as_str(), words).chosen(language == own)
    };
    languages.into_iter().map(choice).collect()
}

/// A point as a person would type it.
fn written(point: &Point) -> String {
    match point.extension.as_str() {
        "" => point.address.reveal().to_owned(),
        extension => format!("{} ext {extension}", point.address.reveal()),
    }
}

/// What the person becomes; or the fields again, each with what is wrong with it. What the form does
/// not show (further numbers, extra columns, the manager) stays as it is.
pub(super) fn draft(
    app: &App,
    before: Option<&Contact>,
    form: &Fields,
) -> Result<ContactDraft, Vec<Field>> {
    let mut fields = typed(app, form);
    let mut is_wrong = false;
    let mut mark = |name: &str, error: String| {
        is_wrong = true;
        if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
            field.error = error;
        }
    };
    if form.get("name").is_empty() {
        mark("name", "Give the person’s name.".to_owned());
    }
    let category = Category::from_str(form.get("category")).unwrap_or_else(|_| {
        mark("category", "Pick one.".to_owned());
        Category::Staff
    });
    let mut points = Vec::new();
    for (name, kind) in [
        ("mobile", PointKind::Mobile),
        ("phone", PointKind::Landline),
        ("email", PointKind::Email),
    ] {
        match read_point(app, kind, form.get(name)) {
            Ok(point) => points.extend(point),
            Err(problem) => mark(name, sentence(&problem)),
        }
        points.extend(further(before, kind));
    }
    if is_wrong {
        return Err(fields);
    }
    let house = &app.config.organisation;
    Ok(ContactDraft {
        external_id: before.and_then(|contact| contact.external_id.clone()),
        name: form.get("name").to_owned(),
        language: Language::parse(form.get("language")).unwrap_or_else(|| house.language()),
        category,
        role: form.get("role").to_owned(),
        site: form.get("site").to_owned(),
        unit: form.get("unit").to_owned(),
        tags: list(form.get("tags")),
        fields: before
            .map(|contact| contact.fields.clone())
            .unwrap_or_default(),
        groups: list(form.get("groups")),
        points,
        manager_id: before.and_then(|contact| contact.manager_id),
    })
}

/// Several values in one line.
pub(in crate::web::pages) fn list(text: &str) -> Vec<String> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn read_point(app: &App, kind: PointKind, text: &str) -> Result<Option<PointDraft>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let point = if kind == PointKind::Email {
        let email = EmailAddress::parse(text).map_err(|problem| problem.to_string())?;
        PointDraft {
            kind,
            address: email.address().clone(),
            extension: String::new(),
        }
    } else {
        let number = PhoneNumber::parse(text, &app.config.organisation.region)
            .map_err(|problem| problem.to_string())?;
        let extension = number.extension().unwrap_or_default().to_owned();
        PointDraft {
            kind,
            address: number.address().clone(),
            extension,
        }
    };
    Ok(Some(point))
}

/// The points of a kind behind the first, which alone is in the form.
fn further(before: Option<&Contact>, kind: PointKind) -> Vec<PointDraft> {
    let points = before.map_or(&[][..], |contact| &contact.points);
    points
        .iter()
        .filter(|point| point.kind == kind)
        .skip(1)
        .map(|point| PointDraft {
            kind,
            address: point.address.clone(),
            extension: point.extension.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_several_values() {
        assert_eq!(list(" all-staff; night ;; "), ["all-staff", "night"]);
        assert!(list(" ").is_empty());
    }
}
