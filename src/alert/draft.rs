//! Says what an alert would be, without making it: the texts, word for word, and what stands in
//! the way.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::alert::Refusal;
use crate::alert::words::{AlertKind, Language, Mode};
use crate::app::App;
use crate::call_out::{Says, Settings, Wanted};
use crate::clock::Timestamp;
use crate::keys::hex;
use crate::plan::{ALL_AT_ONCE, Plan};
use crate::storage::alerts::{Alert, Text};
use crate::storage::approvals::{self, Approval};
use crate::template::message::{self, Refused};
use crate::template::{Level, Template, VariableKind, check, dates, fields, values};

/// The approved template of that name.
///
/// Refuses, in this order: no such template, broken files, never approved, changed since.
pub async fn approved_template(app: &App, name: &str) -> Result<(Template, Approval), Refusal> {
    let template = readable_template(app, name)?;
    match approvals::find(&app.db, name, &template.hash).await? {
        Some(approval) => Ok((template, approval)),
        None if approvals::was_ever_approved(&app.db, name).await? => {
            Err(Refusal::ChangedAfterApproval(name.to_owned()))
        }
        None => Err(Refusal::Unapproved(name.to_owned())),
    }
}

/// The template of that name, if its files are in order, approved or not.
pub fn readable_template(app: &App, name: &str) -> Result<Template, Refusal> {
    let shelf = app.shelf();
    let Some(template) = shelf.find(name) else {
        let problem = shelf
            .problems
            .iter()
            .find(|problem| problem.template == name);
        return Err(match problem {
            Some(problem) => Refusal::BrokenTemplate {
                template: name.to_owned(),
                problem: format!("{}: {}", problem.file, problem.message),
            },
            None => Refusal::UnknownTemplate(name.to_owned()),
        });
    };
    let wrong = check(template)
        .into_iter()
        .find(|finding| finding.level == Level::Error);
    match wrong {
        Some(finding) => Err(Refusal::BrokenTemplate {
            template: name.to_owned(),
            problem: format!("{}: {}", finding.place, finding.message),
        }),
        None => Ok(template.clone()),
    }
}

/// The plan that a launch would carry out: the named one, else the template's own; without the
/// channels that have no gateway.
pub fn plan(
    app: &App,
    template: &Template,
    mode: Mode,
    name: Option<&str>,
) -> Result<Plan, Refusal> {
    let plan = match name {
        None => template.plan.clone(),
        Some(ALL_AT_ONCE) => Plan::all_at_once(&template.channels),
        Some(name) if name == template.plan.name => template.plan.clone(),
        Some(name) => app
            .plan(name)
            .cloned()
            .ok_or_else(|| Refusal::UnknownPlan(name.to_owned()))?,
    };
    let written_for: Vec<_> = app
        .channels(mode)
        .into_iter()
        .filter(|channel| template.channels.contains(channel))
        .collect();
    let limited = plan.limited_to(&written_for);
    if limited
        .steps
        .first()
        .is_none_or(|step| step.after_seconds != 0)
    {
        return Err(Refusal::NoGateway {
            mode,
            channels: template.channels.clone(),
        });
    }
    Ok(limited)
}

/// How long after its launch an alert may still speak.
pub fn expiry(template: &Template, asked: Option<Duration>) -> Result<Duration, Refusal> {
    let span = asked.unwrap_or(template.expires_in);
    let allowed = Duration::from_secs(1)..=Duration::from_hours(30 * 24);
    if allowed.contains(&span) {
        Ok(span)
    } else {
        Err(Refusal::Expiry)
    }
}

/// A launch's call-out with what it leaves open filled in from the template; none if everyone is told
/// at once.
pub fn call_out(template: &Template, wanted: Option<&Wanted>) -> Result<Option<Settings>, Refusal> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let Some(usual) = &template.call_out else {
        return Err(Refusal::NoCallOut(template.name.clone()));
    };
    let settings = usual.settings(wanted);
    match settings.problem() {
        Some(problem) => Err(Refusal::CallOut(problem)),
        None => Ok(Some(settings)),
    }
}

/// What the texts are made of, beside the template.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// Live or drill: a drill's texts are marked.
    pub mode: Mode,
    /// The variables as given.
    pub variables: &'a BTreeMap<String, String>,
    /// The time that the texts name.
    pub at: Timestamp,
    /// The alert that is followed.
    pub follows: Option<&'a Alert>,
}

/// Every text of the alert, on every channel the template is written for and in all its languages,
/// exactly as it will be stored and sent.
pub fn texts(
    app: &App,
    template: &Template,
    contents: &Contents<'_>,
) -> Result<Vec<Text>, Refusal> {
    let mut texts = Vec::new();
    for (position, language) in (0_i32..).zip(&template.languages) {
        let values = all_values(app, template, contents, language)?;
        for channel in &template.channels {
            let filled = message::fill(template, *channel, language, &values, contents.mode)
                .map_err(|refused| match refused {
                    Refused::Unfilled(unfilled) => Refusal::Unfilled(unfilled.to_string()),
                    other => Refusal::BrokenTemplate {
                        template: template.name.clone(),
                        problem: other.to_string(),
                    },
                })?;
            let filled = serde_json::to_string(&filled)
                .map_err(|_| crate::storage::Error::Broken("a text is no JSON"))?;
            let sha256 = hex(&Sha256::digest(filled.as_bytes()));
            let (channel, language) = (*channel, language.clone());
            texts.push(Text {
                says: Says::Message,
                channel,
                language,
                position,
                filled,
                sha256,
            });
        }
    }
    Ok(texts)
}

/// What a call-out says later, in the same words for everyone: that it is filled, and that someone
/// of the standby list is needed.
pub fn later_texts(
    app: &App,
    template: &Template,
    contents: &Contents<'_>,
) -> Result<Vec<Text>, Refusal> {
    let mut all = Vec::new();
    for (says, later) in &template.later {
        let texts = texts(app, later, contents)?;
        all.extend(texts.into_iter().map(|text| Text {
            says: *says,
            ..text
        }));
    }
    Ok(all)
}

/// The variables given, with a visible blank for each that is required and missing: for showing
/// what a text looks like before it is complete.
pub fn with_blanks(
    template: &Template,
    given: &BTreeMap<String, String>,
    language: &Language,
) -> BTreeMap<String, String> {
    let mut values = given.clone();
    values.retain(|_, value| !value.trim().is_empty());
    for variable in &template.variables {
        if variable.required && variable.kind == VariableKind::Text {
            values
                .entry(variable.name.clone())
                .or_insert_with(|| format!("[{}]", variable.label_in(language)));
        }
    }
    values
}

fn all_values(
    app: &App,
    template: &Template,
    contents: &Contents<'_>,
    language: &Language,
) -> Result<BTreeMap<String, String>, Refusal> {
    let house = &app.config.organisation;
    let mut values =
        values::resolve(template, contents.variables, language).map_err(Refusal::Variables)?;
    let at = contents.at.to_jiff().to_zoned(house.zone());
    let mut put = |name: &str, value: String| values.insert(name.to_owned(), value);
    put(fields::ORGANISATION, house.name.clone());
    put(fields::PHONE, house.phone.clone());
    put(fields::TIME, at.strftime("%H:%M").to_string());
    put(fields::DATE, dates::date_in(at.date(), language));
    if let Some(followed) = contents.follows {
        let then = followed.launched_at.to_jiff().to_zoned(house.zone());
        put(fields::ABOUT, followed.title_in(language).to_owned());
        put(fields::ABOUT_TIME, then.strftime("%H:%M").to_string());
    }
    Ok(values)
}

/// A template that begins a thread is not for a follow-up, and the reverse.
pub fn refuse_wrong_kind(template: &Template, wanted: AlertKind) -> Result<(), Refusal> {
    if template.kind == wanted {
        return Ok(());
    }
    let (is, hint) = match template.kind {
        AlertKind::Alert => ("a new alert", "launch it from the launch board"),
        AlertKind::Update => ("an update", "open the running alert and choose Update"),
        AlertKind::Correction => ("a correction", "open the running alert and choose Correct"),
        AlertKind::AllClear => (
            "an all-clear",
            "open the running alert and choose All clear",
        ),
    };
    Err(Refusal::WrongKind {
        template: template.name.clone(),
        is,
        hint,
    })
}
