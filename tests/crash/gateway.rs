//! A gateway that has every message it takes on disk before it answers: what its book says, a phone
//! has rung for. A request whose body was cut off is no message.
//!
//! It has three desks. `/blind` takes whatever comes. `/keyed` takes what comes under a known key as
//! the same message again. The third is shaped like Twilio's API, and can be asked.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path as Segment, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::book::{self, Book, Desk, Entry};

/// The account of the third desk.
const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// The `[[gateway]]` table of a desk of the gateway at `port`, for one channel.
pub fn table(desk: Desk, channel: &str, port: u16) -> String {
    let base = format!("http://127.0.0.1:{port}");
    let own = match desk {
        Desk::Blind => format!("kind = \"http\"\nurl = \"{base}/blind\"\n"),
        Desk::Keyed => format!(
            "kind = \"http\"\nurl = \"{base}/keyed\"\nidempotency_header = \"Idempotency-Key\"\n"
        ),
        Desk::Asked => format!(
            "kind = \"twilio\"\nbase_url = \"{base}\"\naccount_sid = \"{ACCOUNT}\"\n\
             auth_token = \"secret\"\nfrom = \"+15005550006\"\n"
        ),
        Desk::Mail => format!(
            "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n\
             from = \"alerts@clinic.example\"\n"
        ),
    };
    format!("[[gateway]]\nname = \"{channel}\"\nchannel = \"{channel}\"\nslots = 20\n{own}")
}

/// The whole gateway. Clones share one.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

struct Parts {
    book: Book,
    /// Milliseconds until it answers.
    delay: RangeInclusive<u64>,
    taken: Mutex<Taken>,
    /// Whether it keeps its answers to itself.
    held: watch::Sender<bool>,
}

#[derive(Default)]
struct Taken {
    by_key: HashMap<String, (Bytes, usize)>,
    messages: Vec<Message>,
}

#[derive(Clone)]
struct Message {
    desk: Desk,
    to: String,
    text: String,
    at: i64,
}

impl Gateway {
    /// A gateway that writes into this file and takes so many milliseconds to answer.
    pub fn new(book: &Path, delay: RangeInclusive<u64>) -> Self {
        Self(Arc::new(Parts {
            book: Book::create(book),
            delay,
            taken: Mutex::default(),
            held: watch::Sender::new(false),
        }))
    }

    /// From here on it takes messages and does not answer; or does again.
    pub fn hold(&self, held: bool) {
        self.0.held.send_replace(held);
    }

    /// Answers until the end of the process.
    pub async fn serve(self, listener: TcpListener) {
        const MESSAGES: &str = "/2010-04-01/Accounts/{account}/Messages.json";
        let router = Router::new()
            .route("/blind", post(blind))
            .route("/keyed", post(keyed))
            .route(MESSAGES, post(create).get(list))
            .route("/2010-04-01/Accounts/{account}/Messages/{sid}", get(one))
            .with_state(self);
        axum::serve(listener, router)
            .await
            .expect("serving never ends by itself");
    }

    /// Takes a message once its line is on disk, whether or not the sender is still there to hear
    /// it. Answers its number, which is the same for the same key.
    pub async fn take(
        self,
        desk: Desk,
        to: String,
        text: String,
        key: Option<(String, Bytes)>,
    ) -> usize {
        let gateway = self.clone();
        let taking = tokio::spawn(async move {
            let (number, again, differs) = gateway.enter(desk, &to, &text, key);
            let entry = Entry {
                at: book::now(),
                desk,
                to,
                text,
                again,
                differs,
            };
            gateway.0.book.write(entry).await;
            number
        });
        let number = taking.await.expect("taking does not panic");
        let mut held = self.0.held.subscribe();
        held.wait_for(|held| !held)
            .await
            .expect("the gateway is there");
        let delay = rand::rng().random_range(self.0.delay.clone());
        tokio::time::sleep(Duration::from_millis(delay)).await; // the simulated gateway's latency
        number
    }

    /// Its number, whether its key was known, and whether it was then another message.
    fn enter(
        &self,
        desk: Desk,
        to: &str,
        text: &str,
        key: Option<(String, Bytes)>,
    ) -> (usize, bool, bool) {
        let mut taken = self.0.taken.lock().unwrap();
        if let Some((key, body)) = &key
            && let Some((first, number)) = taken.by_key.get(key)
        {
            return (*number, true, first != body);
        }
        taken.messages.push(Message {
            desk,
            to: to.to_owned(),
            text: text.to_owned(),
            at: book::now(),
        });
        let number = taken.messages.len();
        if let Some((key, body)) = key {
            taken.by_key.insert(key, (body, number));
        }
        (number, false, false)
    }
}

async fn blind(State(gateway): State<Gateway>, Json(message): Json<Value>) -> Json<Value> {
    let number = gateway
        .take(
            Desk::Blind,
            word(&message, "to"),
            word(&message, "text"),
            None,
        )
        .await;
    Json(json!({ "id": number.to_string() }))
}

async fn keyed(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok());
    let message = serde_json::from_slice::<Value>(&body);
    let (Some(key), Ok(message)) = (key, message) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (to, text) = (word(&message, "to"), word(&message, "text"));
    let key = Some((key.to_owned(), body));
    let number = gateway.take(Desk::Keyed, to, text, key).await;
    Json(json!({ "id": number.to_string() })).into_response()
}

fn word(message: &Value, key: &str) -> String {
    message[key].as_str().unwrap_or_default().to_owned()
}

async fn create(State(gateway): State<Gateway>, form: Bytes) -> Response {
    let mut form: HashMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
    let (Some(to), Some(text)) = (form.remove("To"), form.remove("Body")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let number = gateway.clone().take(Desk::Asked, to, text, None).await;
    let message = gateway.0.taken.lock().unwrap().messages[number - 1].clone();
    (StatusCode::CREATED, Json(resource(number, &message))).into_response()
}

/// The newest messages to one number, as many as the page holds.
async fn list(
    State(gateway): State<Gateway>,
    Query(asked): Query<HashMap<String, String>>,
) -> Json<Value> {
    let page = asked.get("PageSize").and_then(|size| size.parse().ok());
    let taken = gateway.0.taken.lock().unwrap();
    let found: Vec<Value> = taken
        .messages
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, message)| message.desk == Desk::Asked)
        .filter(|(_, message)| asked.get("To").is_none_or(|to| *to == message.to))
        .take(page.unwrap_or(50))
        .map(|(index, message)| resource(index + 1, message))
        .collect();
    Json(json!({ "messages": found, "page": 0, "next_page_uri": null }))
}

async fn one(
    State(gateway): State<Gateway>,
    Segment((_account, sid)): Segment<(String, String)>,
) -> Response {
    let taken = gateway.0.taken.lock().unwrap();
    let number = sid
        .trim_start_matches("SM")
        .trim_end_matches(".json")
        .parse::<usize>();
    let found = number.ok().and_then(|number| {
        let message = taken.messages.get(number.checked_sub(1)?)?;
        Some(resource(number, message))
    });
    match found {
        Some(found) => Json(found).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn resource(number: usize, message: &Message) -> Value {
    let at = jiff::Timestamp::from_millisecond(message.at).unwrap();
    let at = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    json!({
        "sid": format!("SM{number:032}"),
        "account_sid": ACCOUNT,
        "to": message.to,
        "from": "+15005550006",
        "body": message.text,
        "status": "sent",
        "direction": "outbound-api",
        "num_segments": "1",
        "date_created": at,
        "date_sent": at,
        "date_updated": at,
        "error_code": null,
        "error_message": null,
    })
}
