//! The log of acts: read, checked, taken out.

mod export;
mod words;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::account::role::Act;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::ids::ContactId;
use crate::keys::hex;
use crate::storage;
use crate::storage::audit::Sought;
use crate::web::form::Fields;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::log::{Log, LogRow};
use crate::web::view::people::Filter;
use crate::web::view::{Notice, Pages, Section, Tone, counted};

/// Entries on a page.
const ROWS: usize = 100;

/// Kinds of acts: the word of the address, what people read, the beginnings of the actions.
const KINDS: [(&str, &str, &[&str]); 5] = [
    ("", "Everything", &[]),
    ("alerts", "Alerts", &["alert.", "call", "response."]),
    ("people", "People", &["contact.", "group.", "call_tree."]),
    ("messages", "Templates", &["template."]),
    ("accounts", "Accounts", &["user.", "token.", "set_up."]),
];

/// `/log`, its check and its files.
pub fn router() -> Router<App> {
    Router::new()
        .route("/log", get(look))
        .route("/log/check", post(check))
        .route("/log.csv", get(export::table))
        .route("/log.jsonl", get(export::lines))
}

async fn look(
    State(app): State<App>,
    by: SignedIn,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    by.require(Act::ReadAudit)?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    show(StatusCode::OK, &page(&app, &by, &fields, None).await?)
}

/// Reads the whole chain. A form, so that no crawler or prefetch makes the server read it all.
async fn check(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Act::ReadAudit)?;
    let verdict = audit::verify(&app.db).await?;
    let entries = u64::try_from(verdict.entries).unwrap_or_default();
    let entries = counted(entries, "entry", "entries");
    let (_, head) = storage::audit::head(&app.db).await?;
    let notice = if verdict.problems.is_empty() {
        let text = format!(
            "Nothing was changed: {entries}, each covering the one before. The last one\u{2019}s hash is {}: \
             write it down elsewhere, and nobody can take entries off the end either.",
            hex(&head)
        );
        Notice::new(Tone::Good, text)
    } else {
        let problems: Vec<String> = verdict.problems.iter().map(|one| sentence(one)).collect();
        let text = format!(
            "The log was changed by someone who can write to the database. {} Look into a backup.",
            problems.join(" ")
        );
        Notice::new(Tone::Wrong, text)
    };
    show(
        StatusCode::OK,
        &page(&app, &by, &Fields::default(), Some(notice)).await?,
    )
}

async fn page(
    app: &App,
    by: &SignedIn,
    fields: &Fields,
    verdict: Option<Notice>,
) -> Result<Log, PageError> {
    let (what, who) = (fields.get("what"), fields.get("who"));
    let kind = KINDS.iter().find(|(word, ..)| *word == what);
    let (what, actions) = kind.map_or(("", [].as_slice()), |(word, _, actions)| (*word, *actions));
    let before = fields.get("before").parse().ok();
    let sought = Sought {
        who: who.to_lowercase(),
        actions: actions.to_vec(),
        before: before.unwrap_or(i64::MAX),
    };
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut entries = storage::audit::find(&app.db, &sought, limit).await?;
    let has_more = entries.len() > ROWS;
    entries.truncate(ROWS);
    let address = |before: Option<i64>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("what", what), ("who", who)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        format!("/log?{}", query.finish())
    };
    let times = Times::new(&app.config, app.clock.now());
    let next = entries.last().filter(|_| has_more);
    let pages = Pages {
        shown: match (entries.first(), entries.last()) {
            (Some(first), Some(last)) if has_more || before.is_some() => {
                format!("Entries {} to {}", first.number, last.number)
            }
            _ => String::new(),
        },
        previous: before.is_some().then(|| address(None)),
        next: next.map(|last| address(Some(last.number))),
    };
    Ok(Log {
        page: frame(app, &by.user, "Log", Section::Log),
        verdict,
        filters: filters(what, who),
        what: what.to_owned(),
        who: who.to_owned(),
        rows: entries.iter().map(|entry| row(entry, &times)).collect(),
        pages,
    })
}

fn filters(what: &str, who: &str) -> Vec<Filter> {
    let address = |word: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("what", word);
        if !who.is_empty() {
            query.append_pair("who", who);
        }
        format!("/log?{}", query.finish())
    };
    KINDS
        .iter()
        .map(|(word, label, _)| Filter {
            label: (*label).to_owned(),
            count: None,
            href: address(word),
            current: *word == what,
        })
        .collect()
}

fn row(entry: &Entry, times: &Times) -> LogRow {
    let who = format::actor(&entry.actor);
    // An id says nothing to a person, and that people sign in as themselves is no news.
    let is_told = entry.subject != who && entry.subject.parse::<ContactId>().is_err();
    LogRow {
        number: entry.number.to_string(),
        time: times.moment(entry.at),
        who,
        did: words::did(&entry.action),
        subject: if is_told {
            entry.subject.clone()
        } else {
            String::new()
        },
        detail: format!("{} {} {}", entry.action, entry.subject, entry.detail),
        hash: hex(&entry.hash),
    }
}
