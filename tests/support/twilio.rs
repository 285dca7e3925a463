//! A gateway shaped like Twilio's Messages API: takes, lists and refuses messages as the real one
//! does, and calls back with signed (or wrongly signed) receipts and replies.
//!
//! The numbers that Twilio itself sets aside for tests are refused with its own codes: see
//! [`REFUSED_NUMBERS`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::environment::http_client;
use super::inbox::Inbox;
use super::ports::free_port;

/// The account that the simulator knows.
pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
/// The account's secret: the password of a request, the key of a signature.
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Recipients that are refused at once, with Twilio's error code.
pub const REFUSED_NUMBERS: [(&str, u32); 5] = [
    ("+15005550001", 21_211), // not a valid number
    ("+15005550002", 21_612), // cannot be reached from here
    ("+15005550003", 21_408), // no permission for that country
    ("+15005550004", 21_610), // has opted out
    ("+15005550009", 21_614), // not a mobile number
];

/// A message that the simulator took.
#[derive(Debug, Clone)]
pub struct Message {
    /// The simulator's own id for it.
    pub sid: String,
    /// The recipient's number.
    pub to: String,
    /// The sender's number.
    pub from: String,
    /// The text.
    pub body: String,
    /// Where receipts go, if the sender asked for them.
    pub status_callback: Option<String>,
    /// `queued` at first; then what the last [`Twilio::report`] or [`Twilio::becomes`] said.
    pub status: String,
    /// When it was made, as Twilio writes it.
    pub date_created: String,
}

/// Whether a callback is signed with the account's secret or with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// As Twilio signs.
    Right,
    /// As a forger would, without the secret.
    Wrong,
}

/// The running simulator; stops when dropped.
#[derive(Debug)]
pub struct Twilio {
    port: u16,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

/// What goes wrong with the next message after it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is 500.
    ServerError,
    /// No answer comes.
    Silence,
    /// The answer is 500, and nothing was taken.
    NotTaken,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Mutex<std::collections::VecDeque<Fault>>,
    /// Seconds since 1970; the machine's time if zero.
    time: std::sync::atomic::AtomicI64,
    /// How often somebody asked for one message or for the list.
    asked: std::sync::atomic::AtomicUsize,
    messages: Mutex<Vec<Message>>,
    taken: Inbox<Message>,
}

impl Twilio {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        let port = free_port();
        let shared = Arc::new(Shared::default());
        let messages = post(create).get(list);
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages.json",
                messages.clone(),
            )
            .route(
                "/2010-04-01/Accounts/{account}/Messages/{message}",
                get(one),
            )
            .route(
                "/behind/a/prefix/2010-04-01/Accounts/{account}/Messages.json",
                messages,
            )
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("the port was free");
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("serving never ends by itself");
        });
        Self {
            port,
            shared,
            server,
        }
    }

    /// A gateway's `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same simulator under a path, as some gateways are found.
    pub fn base_url_with_prefix(&self) -> String {
        format!("{}/behind/a/prefix", self.base_url())
    }

    /// The oldest message to `number` that was not looked at yet, waited for if need be.
    pub async fn expect_message(&self, number: &str) -> Message {
        let wanted = |message: &Message| message.to == number;
        self.shared
            .taken
            .take(&format!("a message to {number}"), wanted)
            .await
    }

    /// Every message that was taken, oldest first, with its newest status.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.lock().clone()
    }

    /// What goes wrong with the next messages, in order.
    pub fn spoil(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(faults);
    }

    /// Sets the simulator's time, in seconds since 1970.
    pub fn set_time(&self, seconds: i64) {
        self.shared
            .time
            .store(seconds, std::sync::atomic::Ordering::SeqCst);
    }

    /// How often somebody asked for one message or for the list.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Sets a message's status and tells nobody.
    pub fn becomes(&self, sid: &str, status: &str) {
        for message in self.shared.lock().iter_mut().filter(|one| one.sid == sid) {
            status.clone_into(&mut message.status);
        }
    }

    /// The fields and the signature of a receipt, for a test that delivers it itself.
    pub fn receipt_form(message: &Message, status: &str, url: &str) -> (String, String) {
        let fields = fields([
            ("MessageSid", message.sid.as_str()),
            ("MessageStatus", status),
        ]);
        let signature = signature_of(AUTH_TOKEN, url, &fields);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&fields);
        (form.finish(), signature)
    }

    /// Sets a message's status and tells its status callback so. Returns what the callback said;
    /// `error` is Twilio's code for a `failed` or `undelivered` one.
    pub async fn report(
        &self,
        message: &Message,
        status: &str,
        error: Option<u32>,
        signature: Signature,
    ) -> StatusCode {
        let known = |other: &&mut Message| other.sid == message.sid;
        if let Some(known) = self.shared.lock().iter_mut().find(known) {
            status.clone_into(&mut known.status);
        }
        let url = message
            .status_callback
            .as_deref()
            .expect("the message asked for receipts");
        let mut fields = fields([
            ("MessageSid", message.sid.as_str()),
            ("SmsSid", &message.sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("To", &message.to),
            ("From", &message.from),
        ]);
        if let Some(code) = error {
            fields.insert("ErrorCode".to_owned(), code.to_string());
        }
        post_signed(url, &fields, signature).await
    }

    /// Delivers a text from a person's number to `url`, the inbound page. Returns what it said.
    pub async fn text_in(
        &self,
        url: &str,
        from: &str,
        body: &str,
        signature: Signature,
    ) -> StatusCode {
        let sid = new_sid();
        let fields = fields([
            ("MessageSid", sid.as_str()),
            ("SmsSid", &sid),
            ("From", from),
            ("To", "+15005550006"),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
        ]);
        post_signed(url, &fields, signature).await
    }
}

impl Drop for Twilio {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a server of its own, with its own clock"
    )]
    /// The time as Twilio writes it: `Sun, 22 Nov 2026 14:02:07 +0000`.
    fn date(&self) -> String {
        let time = match self.time.load(std::sync::atomic::Ordering::SeqCst) {
            0 => jiff::Timestamp::now(),
            seconds => jiff::Timestamp::from_second(seconds).expect("a time of this century"),
        };
        time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    if !authorised(&account, &headers) {
        return refusal(StatusCode::UNAUTHORIZED, 20_003, "Authenticate");
    }
    let mut form: HashMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
    let (Some(to), Some(body)) = (form.remove("To"), form.remove("Body")) else {
        return refusal(
            StatusCode::BAD_REQUEST,
            21_602,
            "Message body and To are required.",
        );
    };
    let sender = form
        .remove("From")
        .or_else(|| form.remove("MessagingServiceSid"));
    let Some(from) = sender else {
        return refusal(
            StatusCode::BAD_REQUEST,
            21_603,
            "A 'From' phone number is required.",
        );
    };
    if let Some((_, code)) = REFUSED_NUMBERS.iter().find(|(number, _)| *number == to) {
        return refusal(
            StatusCode::BAD_REQUEST,
            *code,
            "The 'To' number cannot be used.",
        );
    }
    let fault = shared
        .faults
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front();
    if fault == Some(Fault::NotTaken) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let status_callback = form.remove("StatusCallback");
    let status = "queued".to_owned();
    let message = Message {
        date_created: shared.date(),
        sid: new_sid(),
        to,
        from,
        body,
        status_callback,
        status,
    };
    shared.lock().push(message.clone());
    shared.taken.put(message.clone());
    match fault {
        Some(Fault::ServerError) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::Silence) => std::future::pending().await,
        _ => {}
    }
    (StatusCode::CREATED, Json(resource(&message))).into_response()
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if !authorised(&account, &headers) {
        return refusal(StatusCode::UNAUTHORIZED, 20_003, "Authenticate");
    }
    shared
        .asked
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let query = query.unwrap_or_default();
    let to = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "To");
    let matches = |message: &&Message| to.as_ref().is_none_or(|(_, number)| *number == message.to);
    let mut messages: Vec<Value> = shared.lock().iter().filter(matches).map(resource).collect();
    messages.reverse(); // newest first, as Twilio lists
    Json(json!({ "messages": messages, "page": 0, "next_page_uri": null })).into_response()
}

async fn one(
    State(shared): State<Arc<Shared>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if !authorised(&account, &headers) {
        return refusal(StatusCode::UNAUTHORIZED, 20_003, "Authenticate");
    }
    shared
        .asked
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let sid = file.trim_end_matches(".json");
    match shared.lock().iter().find(|message| message.sid == sid) {
        Some(message) => Json(resource(message)).into_response(),
        None => refusal(StatusCode::NOT_FOUND, 20_404, "not found"),
    }
}

fn authorised(account: &str, headers: &HeaderMap) -> bool {
    let expected = format!(
        "Basic {}",
        STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"))
    );
    account == ACCOUNT_SID
        && headers
            .get("authorization")
            .is_some_and(|given| *given == *expected)
}

fn resource(message: &Message) -> Value {
    json!({
        "sid": message.sid,
        "account_sid": ACCOUNT_SID,
        "to": message.to,
        "from": message.from,
        "body": message.body,
        "status": message.status,
        "direction": "outbound-api",
        "num_segments": "1",
        "date_created": message.date_created,
        "error_code": null,
        "error_message": null,
        "uri": format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{}.json", message.sid),
    })
}

fn refusal(status: StatusCode, code: u32, message: &str) -> Response {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({
        "code": code, "message": message, "more_info": more_info, "status": status.as_u16(),
    });
    (status, Json(body)).into_response()
}

fn new_sid() -> String {
    format!("SM{:032x}", rand::random::<u128>())
}

fn fields<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    let account = [("AccountSid", ACCOUNT_SID), ("ApiVersion", "2010-04-01")];
    let all = pairs.into_iter().chain(account);
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn post_signed(
    url: &str,
    fields: &BTreeMap<String, String>,
    signature: Signature,
) -> StatusCode {
    let secret = match signature {
        Signature::Right => AUTH_TOKEN,
        Signature::Wrong => "not the secret of this account",
    };
    let request = http_client()
        .post(url)
        .header("X-Twilio-Signature", signature_of(secret, url, fields))
        .form(fields);
    request
        .send()
        .await
        .expect("the callback's address answers")
        .status()
}

/// Twilio's scheme: HMAC-SHA1 over the address and then each field's name and value, in the order
/// of the names, as base64.
pub fn signature_of(secret: &str, url: &str, fields: &BTreeMap<String, String>) -> String {
    let mut mac =
        Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).expect("a key of any length serves");
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
