//! The report of an alert as a page, on paper, as a table and as data: all from one structure.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::account::role::Act;
use crate::alert::words::{AlertState, Language};
use crate::app::App;
use crate::channel::Channel;
use crate::report::slices::{By, Slice};
use crate::report::written::Written;
use crate::report::{Report, table};
use crate::storage::alerts::Alert;
use crate::storage::deliveries::DeliveryState;
use crate::web::format::{self, Times};
use crate::web::pages::{PageError, board, frame, live, preview, show};
use crate::web::session::{SignedIn, no_store};
use crate::web::view::report::{
    Breakdown, BreakdownRow, NotReached, Report as Page, SentText, TimelineAct, Wrote,
};
use crate::web::view::{Fact, Link, Notice, Section, Severity, Tone, counted};

/// `/reports/ID`, and the same with `.pdf`, `.csv` and `.json`.
pub fn router() -> Router<App> {
    Router::new().route("/reports/{id}", get(report))
}

async fn report(
    State(app): State<App>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    by.require(Act::SeeBoards)?;
    if let Some(id) = id.strip_suffix(".csv") {
        let alert = board::find(&app, id).await?;
        let csv = table::csv(&app, &alert).await?;
        return Ok(file(&alert, "csv", "text/csv; charset=utf-8", csv));
    }
    if let Some(id) = id.strip_suffix(".json") {
        let alert = board::find(&app, id).await?;
        let report = Report::build(&app, &alert).await?;
        let json = serde_json::to_vec_pretty(&report)
            .map_err(|_| crate::storage::Error::Broken("a report is no JSON"))?;
        return Ok(file(&alert, "json", "application/json", json));
    }
    let (id, is_paper) = match id.strip_suffix(".pdf") {
        Some(id) => (id, true),
        None => (id.as_str(), false),
    };
    let alert = board::find(&app, id).await?;
    let report = Report::build(&app, &alert).await?;
    let page = page(&app, &by, &alert, &report).await?;
    if is_paper {
        return Ok(file(&alert, "pdf", "application/pdf", page.to_pdf()));
    }
    show(StatusCode::OK, &page)
}

/// A download with a name that says what it is.
fn file(alert: &Alert, kind: &str, content_type: &'static str, bytes: Vec<u8>) -> Response {
    let name = format!(
        "attachment; filename=\"muster-alert-{}.{kind}\"",
        alert.number
    );
    let name = HeaderValue::try_from(name).expect("a number and a word are a valid header");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, no_store(), bytes).into_response()
}

async fn page(app: &App, by: &SignedIn, alert: &Alert, report: &Report) -> Result<Page, PageError> {
    let times = Times::new(&app.config, report.made_at);
    let language = app.config.organisation.language();
    let title = board::title(alert, &language);
    let ribbon = format!("Report of alert {}.", alert.number);
    let base = format!("/reports/{}", alert.id);
    Ok(Page {
        page: frame(app, &by.user, format!("Report: {title}"), Section::Alerts)
            .in_mode(alert.mode.into(), ribbon),
        mode: alert.mode.into(),
        title,
        severity: Severity::of(alert.kind, alert.severity),
        when: when(report, &times),
        summary: match &report.call_out {
            Some(call_out) => format!("{} {}", call_out.figures.in_words(), report.summary()),
            None => report.summary(),
        },
        verdict: verdict(report),
        figures: figures(report, &times),
        chart: live::drawn(&report.curve, alert, report.made_at),
        breakdowns: breakdowns(report),
        not_reached: not_reached(alert, report),
        doubts: doubts(report),
        doubts_tone: if report.possible_duplicates + report.unknown_outcomes > 0 {
            Tone::Careful
        } else {
            Tone::Plain
        },
        wrote: wrote(alert, report, &times),
        acts: report
            .acts
            .iter()
            .map(|act| TimelineAct {
                time: times.near(act.at),
                who: format::actor(&act.actor),
                what: act.words.clone(),
            })
            .collect(),
        texts: texts(report),
        thread: board::thread(app, alert, &times, &language).await?,
        links: vec![
            Link::new("Board", format!("/alerts/{}", alert.id)),
            Link::new("PDF", format!("{base}.pdf")),
            Link::new("CSV", format!("{base}.csv")),
            Link::new("JSON", format!("{base}.json")),
        ],
        colophon: format!(
            "Report made {}. The audit log then ended with {}.",
            times.moment(report.made_at),
            report.audit_head
        ),
    })
}

fn when(report: &Report, times: &Times) -> String {
    let start = times.moment(report.launched_at);
    match (report.state, report.closed_at) {
        (AlertState::Running, _) | (_, None) => format!("{start}, still running"),
        (AlertState::Stopped, Some(at)) => format!("{start}, stopped {}", times.near(at)),
        (AlertState::Ended, Some(at)) => format!("{start}, ended {}", times.near(at)),
    }
}

/// Whether everybody is counted exactly once.
fn verdict(report: &Report) -> Notice {
    let explained: i64 = report.counts.values().sum();
    if explained != report.recipients {
        let text = format!(
            "Of {} people only {explained} are explained. This is a defect: run “muster audit check”.",
            report.recipients
        );
        return Notice::new(Tone::Wrong, text);
    }
    let text = match report.state {
        AlertState::Running => {
            "Every person is accounted for as things stand; the alert is still running."
        }
        AlertState::Stopped | AlertState::Ended => "Every person is accounted for.",
    };
    Notice::new(Tone::Good, text)
}

fn span(millis: Option<i64>) -> String {
    let words = |millis: i64| {
        let span = std::time::Duration::from_millis(format::count(millis));
        format!("after {}", format::span(span))
    };
    millis.map_or_else(|| "never".to_owned(), words)
}

/// The fields of the CDC's notification drill form.
fn figures(report: &Report, times: &Times) -> Vec<Fact> {
    let figures = &report.figures;
    let mode = match report.mode {
        crate::alert::words::Mode::Actual => "real event",
        crate::alert::words::Mode::Exercise => "drill",
    };
    let mut ways: Vec<&str> = Vec::new();
    for channel in report.deliveries.keys() {
        ways.push(match channel {
            Channel::Sms => "text",
            Channel::Email => "e-mail",
            Channel::Voice => "phone",
            Channel::Push => "push",
        });
    }
    let end = report
        .closed_at
        .map_or_else(|| "still running".to_owned(), |at| times.moment(at));
    let by = format::actor(&report.launched_by);
    let answers: Vec<String> = report
        .answers
        .iter()
        .map(|answer| format!("{} “{}”", answer.people, answer.label))
        .collect();
    let mut facts = vec![
        Fact::new("Drill or real event", mode),
        Fact::new(
            "Start",
            format!("{} by {by}", times.moment(report.launched_at)),
        ),
        Fact::new("End", end),
        Fact::new("Told by", format::listed(&ways)),
        Fact::new("People to be told", figures.people.to_string()),
        Fact::new("Notified", figures.notified.to_string()),
        Fact::new("Reached for certain", figures.reached.to_string()),
        Fact::new("Answered", figures.answered.to_string()),
        Fact::new("Answers", format::listed(&answers)),
        Fact::new("First person notified", span(figures.first_notified_ms)),
        Fact::new("Last person notified", span(figures.last_notified_ms)),
        Fact::new("Half of the answers", span(figures.p50_answer_ms)),
        Fact::new("Nine of ten answers", span(figures.p90_answer_ms)),
        Fact::new(
            "Half of all people had answered",
            span(figures.half_of_all_ms),
        ),
        Fact::new("Last answer", span(figures.last_answer_ms)),
        Fact::new(
            "Template",
            format!("{}, version {}", report.template, report.template_version),
        ),
        Fact::new(
            "Approved",
            report.approved.as_ref().map_or_else(
                || "nobody’s approval is on record".to_owned(),
                |one| format!("by {}, {}", format::actor(&one.by), times.moment(one.at)),
            ),
        ),
    ];
    facts.extend(call_out(report, times));
    facts
}

/// The same for a call-out: whom it asked, who comes.
fn call_out(report: &Report, times: &Times) -> Vec<Fact> {
    let Some(account) = &report.call_out else {
        return Vec::new();
    };
    let figures = &account.figures;
    let within = std::time::Duration::from_secs(format::count(figures.answer_within));
    let filled = account
        .filled_at
        .map_or_else(|| "never".to_owned(), |at| times.near(at));
    vec![
        Fact::new("Needed", figures.needed.to_string()),
        Fact::new("Coming", figures.coming.to_string()),
        Fact::new("Filled", filled),
        Fact::new("On the standby list", figures.standby.to_string()),
        Fact::new("Asked", figures.asked.to_string()),
        Fact::new("Cannot come", figures.declined.to_string()),
        Fact::new("Not asked", figures.not_asked.to_string()),
        Fact::new("The next was asked after a no, or", format::span(within)),
    ]
}

fn breakdowns(report: &Report) -> Vec<Breakdown> {
    let cuts = [
        (By::Group, "By group"),
        (By::Channel, "By channel"),
        (By::Gateway, "By gateway"),
        (By::Category, "By category"),
        (By::Site, "By site"),
        (By::Unit, "By unit"),
        (By::Language, "By language"),
    ];
    let breakdown = |(by, title): (By, &str)| {
        let slices = report.slices.iter().filter(|slice| slice.by == by);
        Breakdown {
            title: title.to_owned(),
            rows: slices.map(breakdown_row).collect(),
        }
    };
    cuts.into_iter()
        .map(breakdown)
        .filter(|one| !one.rows.is_empty())
        .collect()
}

fn breakdown_row(slice: &Slice) -> BreakdownRow {
    let name = slice.name.as_str();
    let label = match (slice.by, name) {
        (_, "") => "None given".to_owned(),
        (By::Category, "staff") => "Staff".to_owned(),
        (By::Category, "vendor") => "Vendors".to_owned(),
        (By::Category, "authority") => "Authorities".to_owned(),
        (By::Category, "patient") => "Patients".to_owned(),
        (By::Channel, name) => match name.parse::<Channel>() {
            Ok(channel) => preview::name(channel).to_owned(),
            Err(_) => name.to_owned(),
        },
        (By::Language, tag) => format::language(&Language(tag.to_owned())).to_owned(),
        (_, name) => name.to_owned(),
    };
    BreakdownRow {
        label,
        people: format::count(slice.people),
        reached: format::count(slice.reached),
        answered: format::count(slice.answered),
    }
}

fn not_reached(alert: &Alert, report: &Report) -> Vec<NotReached> {
    report
        .not_reached
        .iter()
        .map(|one| NotReached {
            name: one.name.clone(),
            href: format!("/alerts/{}/people/{}", alert.id, one.recipient),
            reason: one.reason.clone(),
            fix: one.fix.to_owned(),
        })
        .collect()
}

fn doubts(report: &Report) -> Vec<String> {
    let mut doubts = Vec::new();
    let twice = format::count(report.possible_duplicates);
    if twice > 0 {
        let messages = counted(twice, "message", "messages");
        doubts.push(format!("{messages} may have arrived twice."));
    } else {
        doubts.push("No message was sent twice, as far as anybody can know.".to_owned());
    }
    let unknown = format::count(report.unknown_outcomes);
    if unknown > 0 {
        let messages = counted(unknown, "message", "messages");
        doubts.push(format!("Of {messages} nobody knows whether they went out."));
    } else {
        doubts.push("Of every message it is known whether it went out.".to_owned());
    }
    let unconfirmed: i64 = report
        .deliveries
        .values()
        .filter_map(|states| states.get(&DeliveryState::Accepted))
        .sum();
    if unconfirmed > 0 {
        let messages = counted(format::count(unconfirmed), "message was", "messages were");
        doubts.push(format!(
            "{messages} accepted by a gateway and not confirmed by the phone or mailbox."
        ));
    }
    doubts
}

fn wrote(alert: &Alert, report: &Report, times: &Times) -> Vec<Wrote> {
    let row = |one: &Written| Wrote {
        time: times.near(one.at),
        name: one.name.clone(),
        href: format!("/alerts/{}/people/{}", alert.id, one.recipient),
        words: format!("“{}”", one.text),
        state: if one.settled {
            "Answered since."
        } else {
            "Nobody has marked an answer."
        },
    };
    report.messages.iter().map(row).collect()
}

fn texts(report: &Report) -> Vec<SentText> {
    let used = |text: &&crate::report::SentText| report.deliveries.contains_key(&text.channel);
    report
        .texts
        .iter()
        .filter(used)
        .map(|text| SentText {
            heading: format!(
                "{}{} · {}",
                preview::when(text.says),
                preview::name(text.channel),
                format::language(&text.language)
            ),
            class: preview::kind(text.channel).class(),
            language: text.language.to_string(),
            text: match &text.subject {
                Some(subject) => format!("{subject}\n\n{}", text.text),
                None => text.text.clone(),
            },
            hash: text.sha256.clone(),
        })
        .collect()
}
