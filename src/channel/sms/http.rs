//! The generic gateway: any provider that takes a message by one HTTP request, described in the
//! configuration rather than in code. Serves every channel.

mod answer;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;

use self::answer::{Acceptance, Condition, MessageId};
use self::template::{Escape, Fields, Template};
use super::posted::{self, Names, Record, unreadable};
use crate::channel::http_client::{HttpClient, Way, parse_url};
use crate::channel::kinds::{OpenError, Opening, optional_text_or_number, settings};
use crate::channel::secret::Secret;
use crate::channel::{
    Accepted, Callback, CallbackError, Channel, Common, Failure, Gateway, Inbound, Message,
    Receipt, ReceiptStatus,
};

const DEFAULT_BODY: &str = r#"{"to":"{{to}}","text":"{{text}}","reference":"{{reference}}"}"#;

const DEFAULT_EMAIL_BODY: &str = r#"{"to":"{{to}}","subject":"{{subject}}","text":"{{text}}","html":"{{html}}","reference":"{{reference}}"}"#;

/// The kind's own keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    body: Option<String>,
    accepted_when: Option<Conditions>,
    message_id: Option<String>,
    #[serde(default, deserialize_with = "optional_text_or_number")]
    from: Option<String>,
    token: Option<Secret>,
    idempotency_header: Option<String>,
    idempotent: Option<bool>,
    callback_token: Option<Secret>,
    tls_ca_file: Option<PathBuf>,
    proxy: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Conditions {
    One(String),
    All(Vec<String>),
}

struct HttpGateway {
    http: HttpClient,
    method: Method,
    url: Template,
    /// The address, where nothing has to be filled in.
    fixed_url: Option<reqwest::Url>,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
    acceptance: Acceptance,
    from: String,
    token: Option<Secret>,
    callback_token: Option<Secret>,
    idempotency_header: Option<HeaderName>,
    /// Whether a second hand-over under the same key is the same message to it.
    idempotent: bool,
    instance: String,
}

/// Opens a generic gateway. Every template is compiled and tried with awkward values, so that a
/// mistake shows at the start and not in an emergency.
pub fn open(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
) -> Result<Arc<dyn Gateway>, OpenError> {
    open_within(common, table, opening, &Way::default()).map(|gateway| Arc::new(gateway) as _)
}

fn open_within(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
    way: &Way,
) -> Result<HttpGateway, OpenError> {
    let settings: Settings = settings(table)?;
    let method = match settings.method.as_deref().unwrap_or("POST") {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        _ => {
            return Err(OpenError::new(
                "method",
                "\"method\" must be POST, GET or PUT",
            ));
        }
    };
    let url = Template::compile("url", &settings.url, Escape::Url)?;
    parse_url("url", &url.fill(&Fields::sample()))?;
    let default_body = match common.channel {
        Channel::Email => DEFAULT_EMAIL_BODY,
        _ => DEFAULT_BODY,
    };
    let default_body = (method != Method::GET).then(|| default_body.to_owned());
    let (body, content_type) = match settings.body.as_ref().or(default_body.as_ref()) {
        Some(body) => {
            let (body, content_type) = compile_body(body, &settings.headers)?;
            (Some(body), content_type)
        }
        None => (None, None),
    };
    let idempotency_header = settings
        .idempotency_header
        .map(|name| header_name("idempotency_header", &name))
        .transpose()?;
    // The parts that a provider could know a message by.
    let named = [Some(&settings.url), settings.body.as_ref()];
    let has_key = idempotency_header.is_some()
        || (body.is_some() && settings.body.is_none())
        || named
            .into_iter()
            .flatten()
            .any(|text| text.contains("{{reference}}"));
    let idempotent = settings.idempotent.unwrap_or(idempotency_header.is_some());
    if idempotent && !has_key {
        return Err(OpenError::new(
            "idempotent",
            "\"idempotent\" needs a key to know a message by: set \"idempotency_header\", or put \
             {{reference}} into \"body\" or \"url\"",
        ));
    }
    let way = Way {
        ca_file: settings.tls_ca_file,
        proxy: settings.proxy,
        limits: way.limits,
    };
    Ok(HttpGateway {
        http: HttpClient::open(common, &way, opening)?,
        method,
        fixed_url: url.fixed().and_then(|text| text.parse().ok()),
        url,
        headers: compile_headers(&settings.headers, content_type, settings.token.is_some())?,
        body,
        acceptance: compile_acceptance(settings.accepted_when, settings.message_id.as_deref())?,
        from: settings.from.unwrap_or_default(),
        token: settings.token,
        callback_token: settings.callback_token,
        idempotent,
        idempotency_header,
        instance: opening.instance.clone(),
    })
}

/// The body, and the content type to add if the headers name none.
fn compile_body(
    body: &str,
    headers: &BTreeMap<String, Secret>,
) -> Result<(Template, Option<&'static str>), OpenError> {
    let declared = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let guessed = match body.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    let content_type = declared
        .map_or(guessed, |(_, value)| value.reveal())
        .to_ascii_lowercase();
    let escape = Escape::for_content_type(&content_type);
    let template = Template::compile("body", body, escape)?;
    let sample = template.fill(&Fields::sample());
    if escape == Escape::Json && serde_json::from_str::<serde_json::Value>(&sample).is_err() {
        return Err(OpenError::new(
            "body",
            "\"body\" is no JSON once its placeholders are filled in; write each placeholder \
             inside quotes: \"text\": \"{{text}}\"",
        ));
    }
    Ok((template, declared.is_none().then_some(guessed)))
}

fn compile_headers(
    headers: &BTreeMap<String, Secret>,
    content_type: Option<&str>,
    has_token: bool,
) -> Result<Vec<(HeaderName, Template)>, OpenError> {
    let mut compiled = Vec::new();
    for (name, value) in headers {
        let template = Template::compile("headers", value.reveal(), Escape::Header)?;
        compiled.push((header_name("headers", name)?, template));
    }
    if let Some(content_type) = content_type {
        compiled.push((
            CONTENT_TYPE,
            Template::compile("body", content_type, Escape::Header)?,
        ));
    }
    if has_token && !compiled.iter().any(|(name, _)| name == AUTHORIZATION) {
        let bearer = Template::compile("token", "Bearer {{token}}", Escape::Header)?;
        compiled.push((AUTHORIZATION, bearer));
    }
    Ok(compiled)
}

fn header_name(key: &str, name: &str) -> Result<HeaderName, OpenError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_ignored| {
        OpenError::new(
            key,
            format!("\"{key}\" names the header \"{name}\", which cannot exist"),
        )
    })
}

fn compile_acceptance(
    conditions: Option<Conditions>,
    message_id: Option<&str>,
) -> Result<Acceptance, OpenError> {
    let texts = match conditions {
        None => Vec::new(),
        Some(Conditions::One(text)) => vec![text],
        Some(Conditions::All(texts)) => texts,
    };
    Ok(Acceptance {
        conditions: texts
            .iter()
            .map(|text| Condition::parse(text))
            .collect::<Result<_, _>>()?,
        message_id: message_id.map(MessageId::parse).transpose()?,
    })
}

impl HttpGateway {
    fn fields<'a>(&'a self, message: &'a Message) -> Fields<'a> {
        let mut status_url = message.status_url.clone();
        if self.idempotent {
            // The same bytes at every try, or the provider takes it for another message.
            let of_this_try = message.reference().to_string();
            status_url = status_url.replace(&of_this_try, &message.delivery.to_string());
        }
        if let Some(token) = &self.callback_token {
            status_url.push_str(if status_url.contains('?') {
                "&token="
            } else {
                "?token="
            });
            status_url.extend(form_urlencoded::byte_serialize(token.reveal().as_bytes()));
        }
        Fields {
            to: message.to.reveal(),
            text: &message.text,
            from: &self.from,
            reference: message.delivery.to_string(),
            status_url,
            link: &message.link,
            subject: message.subject.as_deref().unwrap_or_default(),
            html: message.html.as_deref().unwrap_or_default(),
            language: message.language.as_str(),
            mode: message.mode.path(),
            token: self.token.as_ref().map_or("", |token| token.reveal()),
        }
    }

    fn request(&self, message: &Message) -> Result<reqwest::RequestBuilder, Failure> {
        let fields = self.fields(message);
        let url = match &self.fixed_url {
            Some(url) => url.clone(),
            None => self.url.fill(&fields).parse().map_err(
                |error: <reqwest::Url as std::str::FromStr>::Err| {
                    Failure::refused_us("The gateway's address is no address once it is filled in.")
                        .because(error)
                },
            )?,
        };
        let mut request = self.http.request(self.method.clone(), url);
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(&value.fill(&fields))
                .or_else(|_| HeaderValue::from_bytes(value.fill(&fields).as_bytes()))
                .map_err(|error| {
                    Failure::refused_us(format!("The header {name} of the gateway is not usable."))
                        .because(error)
                })?;
            request = request.header(name, value);
        }
        if let Some(name) = &self.idempotency_header {
            request = request.header(name, format!("{}-{}", self.instance, message.delivery));
        }
        if let Some(body) = &self.body {
            request = request.body(body.fill(&fields));
        }
        Ok(request)
    }
}

#[async_trait]
impl Gateway for HttpGateway {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        let answer = self.http.exchange(self.request(message)?).await?;
        let gateway_id = self.acceptance.judge(&answer)?;
        let gateway_id = gateway_id.unwrap_or_else(|| message.reference().to_string());
        Ok(Accepted {
            gateway_id,
            sent: false,
        })
    }

    /// Connects, and says nothing: a provider's sending address is no place for a trial request.
    async fn check(&self) -> Result<(), Failure> {
        let url = self.url.fill(&Fields::sample()).parse().map_err(
            |error: <reqwest::Url as std::str::FromStr>::Err| {
                Failure::refused_us("The gateway's address is no address.").because(error)
            },
        )?;
        self.http.reach(&url).await
    }

    fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    fn receipt(&self, callback: &Callback) -> Result<Vec<Receipt>, CallbackError> {
        posted::believe(callback, self.callback_token.as_ref())?;
        let records = posted::records(callback)?;
        let (read, unread): (Vec<_>, Vec<_>) = records.iter().map(receipt).partition(Result::is_ok);
        // One word that we do not know must not cost us the receipts beside it.
        match unread.into_iter().next() {
            Some(Err(error)) if read.is_empty() => Err(error),
            _ => read.into_iter().collect(),
        }
    }

    fn inbound(&self, callback: &Callback) -> Result<Inbound, CallbackError> {
        posted::believe(callback, self.callback_token.as_ref())?;
        let names = Names {
            id: &["id"],
            from: &["from"],
            text: &["text"],
        };
        posted::inbound(callback, &names)
    }
}

fn receipt(record: &Record) -> Result<Receipt, CallbackError> {
    let reference = record.reference();
    let own = reference.map(|reference| reference.to_string());
    let gateway_id = record.get(&["id"]).map(str::to_owned).or(own);
    let word = record
        .get(&["status"])
        .ok_or_else(|| unreadable("the status is missing"))?;
    let status = status(word).ok_or_else(|| unreadable("the status is a word we do not know"))?;
    let said = record
        .get(&["reason"])
        .map(posted::quote)
        .filter(|words| !words.is_empty());
    let reason = (status == ReceiptStatus::Failed).then(|| match said {
        Some(words) => format!("The gateway says that it did not arrive: {words}"),
        None => "The gateway says that it did not arrive.".to_owned(),
    });
    Ok(Receipt {
        reference,
        gateway_id: gateway_id.ok_or_else(|| unreadable("neither id nor ref is there"))?,
        status,
        reason,
    })
}

/// The words that providers commonly use.
fn status(word: &str) -> Option<ReceiptStatus> {
    match word.to_ascii_lowercase().as_str() {
        "accepted" | "queued" | "scheduled" | "pending" => Some(ReceiptStatus::Accepted),
        "sent" | "sending" | "submitted" | "enroute" | "buffered" => Some(ReceiptStatus::Sent),
        "delivered" | "delivrd" | "read" | "opened" => Some(ReceiptStatus::Delivered),
        "failed" | "undelivered" | "undeliv" | "undeliverable" | "rejected" | "rejectd"
        | "expired" | "bounced" | "blocked" | "cancelled" | "canceled" => {
            Some(ReceiptStatus::Failed)
        }
        _ => None,
    }
}
