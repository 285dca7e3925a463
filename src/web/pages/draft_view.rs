//! Looks at an alert that has not been made: its texts, its people, what stands in its way.

use std::collections::BTreeMap;

use crate::alert::draft::{self, Contents};
use crate::alert::words::{AlertKind, AlertState, Category, Language, Mode, Purpose};
use crate::alert::{Refusal, whom};
use crate::app::App;
use crate::call_out::Settings;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::plan::{Plan, Whom};
use crate::storage::alerts::{Alert, Text};
use crate::storage::audience::{self, HardToReach, Reach, Selection};
use crate::template::values::VariableProblem;
use crate::template::{Template, VariableKind};
use crate::web::format::{self, Times, sentence};
use crate::web::pages::asked::Asked;
use crate::web::pages::preview::{self, Readers, Shown};
use crate::web::pages::{PageError, quiet};
use crate::web::view::check::{CannotGet, PlanStep};
use crate::web::view::{Link, Notice, Tone, counted, people};

/// What a call-out's page asks first.
pub const HOW_MANY: &str = "How many are needed?";
/// Names listed of people who cannot get it as planned.
const NAMES: i64 = 200;

/// What would go out now.
#[derive(Debug)]
pub struct Look {
    /// How many people would get it.
    pub people: u64,
    /// The same by category.
    pub people_in_words: String,
    /// The texts, those most read first.
    pub shown: Vec<Shown>,
    /// What stands in its way, and what to know.
    pub problems: Vec<Notice>,
    /// The questions that are still open.
    pub missing: Vec<String>,
    /// The plan on a line of time.
    pub plan: Vec<PlanStep>,
    /// Who cannot get it as planned.
    pub cannot: Vec<CannotGet>,
    /// When it would end by itself.
    pub ends: String,
    /// How it asks in turn; none if everyone is told at once.
    pub call_out: Option<Settings>,
}

/// Looks at a launch as it would be at `at`. Changes nothing.
pub async fn look(
    app: &App,
    mode: Mode,
    template: &Template,
    asked: &Asked,
    at: Timestamp,
) -> Result<Look, PageError> {
    let mut problems = Vec::new();
    refuse(
        &mut problems,
        draft::approved_template(app, &template.name).await,
    )?;
    refuse(
        &mut problems,
        draft::refuse_wrong_kind(template, crate::alert::words::AlertKind::Alert),
    )?;
    let plan = refuse(&mut problems, draft::plan(app, template, mode, None))?;
    let plan = plan.unwrap_or_else(|| template.plan.clone());
    let wanted = asked.call_out();
    let call_out = refuse(&mut problems, draft::call_out(template, wanted.as_ref()))?.flatten();
    let contents = Contents {
        mode,
        variables: &asked.variables,
        at,
        follows: None,
    };
    let Written {
        texts,
        mut missing,
        problems: wrong,
    } = texts(app, template, &contents)?;
    problems.extend(wrong);
    if template.call_out.is_some() && asked.needed.is_empty() {
        missing.insert(0, HOW_MANY.to_owned());
    }
    let (selection, refused) = selected(app, asked).await?;
    problems.extend(refused);
    let reach = audience::reach(&app.db, &selection).await?;
    let total: u64 = reach.iter().map(|one| format::count(one.people)).sum();
    problems.extend(audience_problems(
        template,
        asked,
        total,
        problems.is_empty(),
    ));
    if let Some(settings) = call_out.filter(|one| total > 0 && u64::from(one.needed) > total) {
        let needed = settings.needed;
        let text = format!(
            "{needed} are needed, and only {} can be asked.",
            people(total)
        );
        problems.push(Notice::new(Tone::Careful, text));
    }
    let begins_at = app
        .quiet_until(template.severity, &plan.channels())
        .unwrap_or(at);
    let wait = quiet::words(app, template.severity, &plan);
    problems.extend(wait.map(|text| Notice::new(Tone::Careful, text)));
    let channels = first_channels(&plan);
    let hard = audience::hard_to_reach(&app.db, &selection, NAMES).await?;
    let times = Times::new(&app.config, at);
    let readers = readers(template, &reach);
    let mut shown = preview::shown(app, Some(template), &texts, &channels, &readers);
    if call_out.is_some() {
        shown.extend(later(app, template, &contents, &channels)?);
    }
    Ok(Look {
        people: total,
        people_in_words: by_category(&reach),
        shown,
        problems,
        missing,
        plan: match &call_out {
            Some(settings) => in_turn(&plan, settings),
            None => steps(&plan),
        },
        call_out,
        cannot: cannot(&hard, template.purpose, &plan),
        ends: times.near_minute(begins_at.after(template.expires_in)),
    })
}

/// What a call-out says later.
fn later(
    app: &App,
    template: &Template,
    contents: &Contents<'_>,
    channels: &[Channel],
) -> Result<Vec<Shown>, PageError> {
    let mut all = Vec::new();
    for (says, later) in &template.later {
        let texts = texts(app, later, contents)?.texts;
        let shown = preview::shown(app, Some(later), &texts, channels, &[]);
        all.extend(shown.into_iter().map(|one| Shown {
            preview: preview::later(*says, one.preview),
            ..one
        }));
    }
    Ok(all)
}

/// A refusal becomes a sentence on the page; a failure of ours fails the page.
fn refuse<T>(
    problems: &mut Vec<Notice>,
    result: Result<T, Refusal>,
) -> Result<Option<T>, PageError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Refusal::Storage(error)) => Err(error.into()),
        Err(refusal) => {
            problems.push(notice(&refusal));
            Ok(None)
        }
    }
}

fn notice(refusal: &Refusal) -> Notice {
    let link = match refusal {
        Refusal::Unapproved(name) | Refusal::ChangedAfterApproval(name) => {
            Some(Link::new("See the template", format!("/templates/{name}")))
        }
        _ => None,
    };
    Notice {
        tone: Tone::Wrong,
        text: sentence(&refusal.to_string()),
        link,
    }
}

/// The texts as far as they can be written.
#[derive(Debug)]
pub struct Written {
    /// Every text; open places are shown in brackets.
    pub texts: Vec<Text>,
    /// The questions that are still open.
    pub missing: Vec<String>,
    /// What is wrong with the answers given.
    pub problems: Vec<Notice>,
}

/// Writes the texts with what is filled in so far.
pub fn texts(
    app: &App,
    template: &Template,
    contents: &Contents<'_>,
) -> Result<Written, PageError> {
    let mut problems = Vec::new();
    let variables = match draft::texts(app, template, contents) {
        Ok(texts) => {
            return Ok(Written {
                texts,
                missing: Vec::new(),
                problems,
            });
        }
        Err(Refusal::Variables(variables)) => variables,
        Err(refusal) => {
            refuse(&mut problems, Err::<(), _>(refusal))?;
            return Ok(Written {
                texts: Vec::new(),
                missing: Vec::new(),
                problems,
            });
        }
    };
    let language = app.config.organisation.language();
    let (missing, wrong) = sort_out(template, contents.variables, variables, &language);
    problems.extend(
        wrong
            .iter()
            .map(|one| Notice::new(Tone::Wrong, sentence(&one.message))),
    );
    let shown = shown_variables(template, contents.variables, &wrong, &language);
    let contents = Contents {
        variables: &shown,
        ..contents.clone()
    };
    let texts = draft::texts(app, template, &contents).unwrap_or_default();
    Ok(Written {
        texts,
        missing,
        problems,
    })
}

/// What is still empty, by its question, and what is wrong.
fn sort_out(
    template: &Template,
    given: &BTreeMap<String, String>,
    problems: Vec<VariableProblem>,
    language: &Language,
) -> (Vec<String>, Vec<VariableProblem>) {
    let is_empty = |problem: &VariableProblem| {
        given
            .get(&problem.name)
            .is_none_or(|value| value.trim().is_empty())
    };
    let (empty, wrong): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_empty);
    let question = |problem: VariableProblem| {
        let variable = template.variable(&problem.name);
        variable.map_or(problem.name.clone(), |variable| {
            variable.label_in(language).to_owned()
        })
    };
    (empty.into_iter().map(question).collect(), wrong)
}

/// The variables with which the text can be shown although something is missing or wrong: a blank in
/// brackets for text, an example for everything else.
fn shown_variables(
    template: &Template,
    given: &BTreeMap<String, String>,
    wrong: &[VariableProblem],
    language: &Language,
) -> BTreeMap<String, String> {
    let mut shown = given.clone();
    for problem in wrong {
        shown.remove(&problem.name);
    }
    let mut shown = draft::with_blanks(template, &shown, language);
    for variable in &template.variables {
        if variable.required && variable.kind != VariableKind::Person {
            shown
                .entry(variable.name.clone())
                .or_insert_with(|| variable.realistic().to_owned());
        }
    }
    shown
}

/// The people who are asked for; nobody, with the reason, if that is not clear.
async fn selected(app: &App, asked: &Asked) -> Result<(Selection, Vec<Notice>), PageError> {
    let mut problems = Vec::new();
    if asked.groups.is_empty() && asked.contacts.is_empty() {
        let text = "Nobody is chosen: open “Who gets it” and choose a group.";
        problems.push(Notice::new(Tone::Wrong, text));
        return Ok((Selection::default(), problems));
    }
    let selection = whom::selection(app, &asked.groups, &asked.contacts).await;
    let selection = refuse(&mut problems, selection)?.unwrap_or_default();
    Ok((selection, problems))
}

fn audience_problems(
    template: &Template,
    asked: &Asked,
    total: u64,
    is_clear: bool,
) -> Option<Notice> {
    let refusal = match template.expected {
        _ if total == 0 && is_clear => Refusal::EmptyAudience(asked.groups.clone()),
        Some(expected) if total > 0 && !(expected.min..=expected.max).contains(&total) => {
            Refusal::OutsideExpected {
                template: template.name.clone(),
                people: total,
                min: expected.min,
                max: expected.max,
            }
        }
        _ => return None,
    };
    Some(notice(&refusal))
}

/// "143: 41 staff, 94 patients and 8 vendors".
fn by_category(reach: &[Reach]) -> String {
    let mut parts = Vec::new();
    for category in Category::ALL {
        let of = reach.iter().filter(|one| one.category == *category);
        let number: u64 = of.map(|one| format::count(one.people)).sum();
        let (one, many) = match category {
            Category::Staff => ("staff", "staff"),
            Category::Vendor => ("vendor", "vendors"),
            Category::Authority => ("authority", "authorities"),
            Category::Patient => ("patient", "patients"),
        };
        if number > 0 {
            parts.push(counted(number, one, many));
        }
    }
    let total: u64 = reach.iter().map(|one| format::count(one.people)).sum();
    match parts.as_slice() {
        [] => "nobody".to_owned(),
        [only] => only.clone(),
        _ => format!("{total}: {}", format::listed(&parts)),
    }
}

/// How many people read which text.
fn readers(template: &Template, reach: &[Reach]) -> Vec<Readers> {
    let mut readers = Vec::new();
    for one in reach {
        let language = template.language_for(&one.language).clone();
        for (channel, people) in [
            (Channel::Sms, one.mobile),
            (Channel::Email, one.email),
            (Channel::Voice, one.phone),
            (Channel::Push, one.mobile),
        ] {
            readers.push(Readers {
                channel,
                language: language.clone(),
                people: format::count(people),
            });
        }
    }
    readers
}

/// The channels of the first step.
pub fn first_channels(plan: &Plan) -> Vec<Channel> {
    plan.steps
        .first()
        .map(|step| step.channels.clone())
        .unwrap_or_default()
}

/// A plan in words, as a call-out carries it out: for each one from the moment of being asked.
pub fn in_turn(plan: &Plan, call_out: &Settings) -> Vec<PlanStep> {
    let (needed, ahead) = (u64::from(call_out.needed), u64::from(call_out.ahead));
    let within = format::span(call_out.answer_within);
    let first = match needed + ahead {
        1 => "the first person in turn".to_owned(),
        first => format!("the first {first} people in turn"),
    };
    let mut lines = steps(plan);
    if let Some(line) = lines.first_mut() {
        line.what = line.what.replace("everyone", &first);
    }
    for line in lines.iter_mut().skip(1) {
        line.what = line.what.replace(
            "whoever has not answered",
            "whoever was asked and is silent",
        );
    }
    let line = |when: &str, what: String| PlanStep {
        when: when.to_owned(),
        what,
    };
    let next = format!("The next one is asked too; after {within} without an answer as well.");
    lines.insert(1.min(lines.len()), line("after each no", next));
    let have = if needed == 1 { "has" } else { "have" };
    lines.push(line(
        &format!("once {needed} {have} said yes"),
        "“Filled, thank you” to the others who were asked; whoever says yes later is on the standby \
         list."
            .to_owned(),
    ));
    lines
}

/// A plan in words.
pub fn steps(plan: &Plan) -> Vec<PlanStep> {
    plan.steps
        .iter()
        .map(|step| {
            let when = match step.after_seconds {
                0 => "at once".to_owned(),
                _ => format!("after {}", format::span(step.after())),
            };
            let ways: Vec<&str> = step
                .channels
                .iter()
                .map(|one| preview::one_of(*one))
                .collect();
            let whom = match step.whom {
                Whom::Everyone => "everyone",
                Whom::Silent => "whoever has not answered",
            };
            let mut what = Vec::new();
            if !ways.is_empty() {
                what.push(format!("{} to {whom}", format::listed(&ways)));
            }
            if step.call_list {
                what.push(format!("{whom} goes onto the call list, to be phoned"));
            }
            PlanStep {
                when,
                what: sentence(&what.join("; ")),
            }
        })
        .collect()
}

/// Who has no mobile number that takes the text, by what happens instead.
fn cannot(hard: &[HardToReach], purpose: Purpose, plan: &Plan) -> Vec<CannotGet> {
    let uses = |channel| first_channels(plan).contains(&channel);
    if !uses(Channel::Sms) {
        return Vec::new();
    }
    let is_called = plan.steps.iter().any(|step| step.call_list);
    let mut groups: BTreeMap<(u8, &'static str, &'static str), Vec<String>> = BTreeMap::new();
    for person in hard {
        let lifted = person.opted_out && purpose == Purpose::Emergency;
        if lifted {
            continue;
        }
        let why = match (person.has_mobile, person.has_phone) {
            (true, _) => (1, "opted out of texts"),
            (false, true) => (2, "have only a landline"),
            (false, false) if person.has_email => (3, "have no phone number"),
            (false, false) => (0, "have no number and no address"),
        };
        let instead = if person.has_email && uses(Channel::Email) {
            "they get the e-mail"
        } else if person.has_phone && uses(Channel::Voice) {
            "they are called instead"
        } else if person.has_phone && is_called {
            "they go onto the call list"
        } else if person.has_phone {
            "nothing reaches them: phone them yourself"
        } else {
            "nothing reaches them: tell them in person"
        };
        groups
            .entry((why.0, why.1, instead))
            .or_default()
            .push(person.name.clone());
    }
    groups
        .into_iter()
        .map(|((_, why, instead), names)| CannotGet {
            summary: summary(names.len() as u64, why, instead),
            names,
        })
        .collect()
}

fn summary(number: u64, why: &str, instead: &str) -> String {
    let why = if number == 1 {
        why.replacen("have", "has", 1)
    } else {
        why.to_owned()
    };
    format!("{} {why}: {instead}.", people(number))
}

/// What a follow-up would say, and how many would get it.
#[derive(Debug)]
pub struct FollowUpLook {
    /// How many people would get it.
    pub people: u64,
    /// The texts.
    pub shown: Vec<Shown>,
    /// What stands in its way.
    pub problems: Vec<Notice>,
    /// The questions that are still open.
    pub missing: Vec<String>,
}

/// Looks at a follow-up of `followed` as it would be at `at`. Changes nothing.
pub async fn look_at_follow_up(
    app: &App,
    followed: &Alert,
    template: &Template,
    variables: &BTreeMap<String, String>,
    at: Timestamp,
) -> Result<FollowUpLook, PageError> {
    let mut problems = Vec::new();
    refuse(
        &mut problems,
        draft::approved_template(app, &template.name).await,
    )?;
    let plan = refuse(
        &mut problems,
        draft::plan(app, template, followed.mode, None),
    )?;
    let plan = plan.unwrap_or_else(|| template.plan.clone());
    let severity = followed.severity.min(template.severity);
    let wait = quiet::words(app, severity, &plan);
    problems.extend(wait.map(|text| Notice::new(Tone::Careful, text)));
    let contents = Contents {
        mode: followed.mode,
        variables,
        at,
        follows: Some(followed),
    };
    let written = texts(app, template, &contents)?;
    problems.extend(written.problems);
    let and_waiting = template.kind == AlertKind::Update;
    let told = audience::list_contacted(&app.db, followed.thread, and_waiting).await?;
    let people = told.len() as u64;
    if people == 0 && !and_waiting && followed.state == AlertState::Running {
        problems.push(Notice::new(
            Tone::Careful,
            "Nobody has been told yet. This stops the alert, and writes to nobody.",
        ));
    } else if people == 0 {
        problems.push(notice(&Refusal::NobodyContacted));
    }
    let contacts = told.into_iter().map(|(contact,)| contact).collect();
    let selection = Selection {
        groups: Vec::new(),
        contacts,
    };
    let reach = audience::reach(&app.db, &selection).await?;
    let readers = readers(template, &reach);
    let channels = first_channels(&plan);
    let shown = preview::shown(app, Some(template), &written.texts, &channels, &readers);
    Ok(FollowUpLook {
        people,
        shown,
        problems,
        missing: written.missing,
    })
}
