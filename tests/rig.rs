//! Proves the test rig itself: that its databases, gateways, phones and mailboxes are real.
#![expect(clippy::unwrap_used, reason = "in a test a broken step is a failure")]

#[path = "support/rig.rs"]
pub mod support;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use lettre::message::MultiPart;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use sqlx::{Connection, PgConnection};
use support::environment::{authority_certificate, http_client};
use support::kannel::{self, Kannel};
use support::postgres::fresh_database;
use support::receiver::Receiver;
use support::smtp::{self, Behaviour, Encryption, SmtpServer};
use support::twilio::{self, Signature, Twilio};

#[tokio::test]
async fn two_tests_get_two_databases_and_a_dropped_one_is_gone() {
    let first = fresh_database().await;
    let second = fresh_database().await;
    let mut connection = PgConnection::connect(first.url()).await.unwrap();
    sqlx::query("CREATE TABLE mine (id BIGINT)")
        .execute(&mut connection)
        .await
        .unwrap();
    let mut other = PgConnection::connect(second.url()).await.unwrap();
    let query = "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'";
    let seen: i64 = sqlx::query_scalar(query)
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(seen, 0);

    let url = first.url().to_owned();
    drop(first);

    assert!(PgConnection::connect(&url).await.is_err());
}

/// Submits as a gateway would; `fields` are added to what every submission holds.
async fn submit(kannel: &Kannel, to: &str, text: &str, fields: &[(&str, &str)]) -> StatusCode {
    let query = [
        ("username", kannel::USERNAME),
        ("password", kannel::PASSWORD),
        ("charset", "UTF-8"),
        ("to", to),
        ("text", text),
    ];
    let request = http_client()
        .get(kannel.sendsms_url())
        .query(&query)
        .query(fields);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_text_reaches_the_phone_its_receipts_come_and_the_reply_comes_in() {
    let receiver = Receiver::start().await;
    let kannel = Kannel::start(&receiver.url("/inbound?token=secret")).await;
    let receipts = receiver.url("/status?id=42&type=%d&answer=%A");

    let wanted = [("dlr-mask", "31"), ("dlr-url", receipts.as_str())];
    let status = submit(
        &kannel,
        "+41790000001",
        "Closed.\nReply 1 for yes – é",
        &wanted,
    )
    .await;

    assert_eq!(status, StatusCode::ACCEPTED);
    let text = kannel.phones().expect_text("+41790000001").await;
    assert_eq!((text.from.as_str(), text.parts), (kannel::SHORT_CODE, 1));
    assert!(
        text.body.starts_with("Closed.\nReply 1 for yes"),
        "{}",
        text.body
    );
    assert_eq!(receiver.expect("/status").await.fields["type"], "8");
    assert_eq!(receiver.expect("/status").await.fields["type"], "1");

    kannel.phones().reply("+41790000001", "1").await;
    let inbound = receiver.expect("/inbound").await;
    let expected = [
        ("token", "secret"),
        ("from", "+41790000001"),
        ("to", "13013"),
        ("text", "1"),
    ];
    for (name, value) in expected {
        assert_eq!(inbound.fields[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_long_text_with_emoji_is_joined_and_decoded() {
    let kannel = Kannel::start("http://127.0.0.1:9/nobody").await;
    let long = "Smoke 🔥 “quotes” ".repeat(12).trim_end().to_owned();

    submit(&kannel, "+41790000002", &long, &[("coding", "2")]).await;

    let text = kannel.phones().expect_text("+41790000002").await;
    assert_eq!(text.body, long);
    assert!(text.parts > 1);
}

#[tokio::test]
async fn without_a_carrier_kannel_queues_and_delivers_once_it_is_back() {
    let mut kannel = Kannel::start("http://127.0.0.1:9/nobody").await;
    kannel.unplug().await;

    let status = submit(&kannel, "+41790000003", "later", &[]).await;

    assert_eq!(status, StatusCode::ACCEPTED);
    kannel.plug_in().await;
    assert_eq!(
        kannel.phones().expect_text("+41790000003").await.body,
        "later"
    );
    kannel.kill().await;
    assert!(
        http_client()
            .get(kannel.sendsms_url())
            .send()
            .await
            .is_err()
    );
}

fn mail(to: &str) -> Message {
    let (plain, html) = ("Geöffnet.\n".to_owned(), "<p>Geöffnet.</p>".to_owned());
    let parts = MultiPart::alternative_plain_html(plain, html);
    let builder = Message::builder().from("clinic@clinic.test".parse().unwrap());
    builder
        .to(to.parse().unwrap())
        .subject("Klinik geöffnet")
        .multipart(parts)
        .unwrap()
}

fn plain_sender(server: &SmtpServer) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(server.port())
        .build()
}

fn trusting_tls() -> TlsParameters {
    let authority = std::fs::read(authority_certificate()).unwrap();
    let certificate = Certificate::from_pem(&authority).unwrap();
    let builder = TlsParameters::builder("localhost".to_owned());
    builder
        .add_root_certificate(certificate)
        .build_rustls()
        .unwrap()
}

fn login() -> Credentials {
    Credentials::new(smtp::USERNAME.to_owned(), smtp::PASSWORD.to_owned())
}

#[tokio::test]
async fn a_mail_arrives_decoded_and_the_scripted_recipients_are_refused() {
    let server = SmtpServer::start(Behaviour::default()).await;
    let sender = plain_sender(&server);

    sender.send(mail("dana@clinic.test")).await.unwrap();
    let gone = sender.send(mail("gone@clinic.test")).await.unwrap_err();
    let busy = sender.send(mail("busy@clinic.test")).await.unwrap_err();

    let taken = server.expect_mail_to("dana@clinic.test").await;
    assert_eq!(taken.subject, "Klinik geöffnet");
    assert_eq!(taken.text.as_deref().map(str::trim_end), Some("Geöffnet."));
    assert_eq!(
        taken.html.as_deref().map(str::trim_end),
        Some("<p>Geöffnet.</p>")
    );
    assert_eq!(taken.header("from"), Some("clinic@clinic.test"));
    assert!(!taken.encrypted);
    assert!(gone.is_permanent() && busy.is_transient());
    assert_eq!(server.unread(), 0);
    assert_eq!(std::fs::read_dir(server.kept()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_server_with_starttls_and_login_takes_mail_only_that_way() {
    let behaviour = Behaviour {
        encryption: Encryption::StartTls,
        login: true,
    };
    let server = SmtpServer::start(behaviour).await;
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost");
    let builder = builder
        .port(server.port())
        .tls(Tls::Required(trusting_tls()));
    let wrong = Credentials::new(smtp::USERNAME.to_owned(), "wrong".to_owned());

    let anonymous = plain_sender(&server).send(mail("a@clinic.test")).await;
    let mistaken = builder
        .clone()
        .credentials(wrong)
        .build()
        .send(mail("a@clinic.test"))
        .await;
    builder
        .credentials(login())
        .build()
        .send(mail("dana@clinic.test"))
        .await
        .unwrap();

    assert!(anonymous.is_err());
    assert!(mistaken.unwrap_err().is_permanent());
    let taken = server.expect_mail_to("dana@clinic.test").await;
    assert!(taken.encrypted);
    assert_eq!(taken.login.as_deref(), Some(smtp::USERNAME));
}

#[tokio::test]
async fn a_server_with_tls_from_the_first_byte_takes_mail_from_whoever_trusts_it() {
    let behaviour = Behaviour {
        encryption: Encryption::Tls,
        login: true,
    };
    let mut server = SmtpServer::start(behaviour).await;
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost");
    let builder = builder.port(server.port()).credentials(login());
    let distrusting = TlsParameters::new_rustls("localhost".to_owned()).unwrap();

    let distrust = builder.clone().tls(Tls::Wrapper(distrusting)).build();
    assert!(distrust.send(mail("a@clinic.test")).await.is_err());
    let sender = builder.tls(Tls::Wrapper(trusting_tls())).build();
    sender.send(mail("dana@clinic.test")).await.unwrap();

    assert!(server.expect_mail_to("dana@clinic.test").await.encrypted);
    server.kill().await;
    assert!(sender.send(mail("dana@clinic.test")).await.is_err());
}

async fn twilio_post(url: String, password: &str, to: &str, callback: &str) -> reqwest::Response {
    let form = [
        ("To", to),
        ("From", "+15005550006"),
        ("Body", "Hi"),
        ("StatusCallback", callback),
    ];
    let url = format!(
        "{url}/2010-04-01/Accounts/{}/Messages.json",
        twilio::ACCOUNT_SID
    );
    let request = http_client()
        .post(url)
        .basic_auth(twilio::ACCOUNT_SID, Some(password));
    request.form(&form).send().await.unwrap()
}

#[tokio::test]
async fn the_twilio_gateway_takes_lists_and_refuses_messages() {
    let twilio = Twilio::start().await;
    let url = twilio.base_url_with_prefix();

    let refused = twilio_post(url.clone(), "wrong", "+41790000004", "").await;
    let opted_out = twilio_post(url.clone(), twilio::AUTH_TOKEN, "+15005550004", "").await;
    let taken = twilio_post(url, twilio::AUTH_TOKEN, "+41790000004", "").await;

    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(opted_out.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        opted_out.json::<serde_json::Value>().await.unwrap()["code"],
        21_610
    );
    assert_eq!(taken.status(), StatusCode::CREATED);
    let sid = twilio.expect_message("+41790000004").await.sid;
    assert_eq!(
        taken.json::<serde_json::Value>().await.unwrap()["sid"],
        *sid
    );
    let list = format!(
        "{}/2010-04-01/Accounts/{}",
        twilio.base_url(),
        twilio::ACCOUNT_SID
    );
    let query = [("To", "+41790000004"), ("DateSent>", "2026-01-01")];
    let request = http_client()
        .get(format!("{list}/Messages.json"))
        .query(&query);
    let request = request.basic_auth(twilio::ACCOUNT_SID, Some(twilio::AUTH_TOKEN));
    let listed: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["messages"][0]["sid"], *sid);
    assert_eq!(
        listed["messages"].as_array().unwrap().len(),
        twilio.messages().len()
    );
}

#[tokio::test]
async fn twilio_calls_back_with_a_signature_that_holds_or_one_that_does_not() {
    let receiver = Receiver::start().await;
    let twilio = Twilio::start().await;
    let status_url = receiver.url("/status");
    twilio_post(
        twilio.base_url(),
        twilio::AUTH_TOKEN,
        "+41790000005",
        &status_url,
    )
    .await;
    let message = twilio.expect_message("+41790000005").await;

    twilio
        .report(&message, "undelivered", Some(30_003), Signature::Right)
        .await;
    twilio
        .text_in(
            &receiver.url("/inbound"),
            "+41790000005",
            "1",
            Signature::Wrong,
        )
        .await;

    let status = receiver.expect("/status").await;
    assert_eq!(status.fields["MessageStatus"], "undelivered");
    assert_eq!(status.fields["ErrorCode"], "30003");
    let signature = twilio::signature_of(twilio::AUTH_TOKEN, &status_url, &status.fields);
    assert_eq!(status.headers["x-twilio-signature"], *signature);
    let inbound = receiver.expect("/inbound").await;
    assert_eq!(
        (&*inbound.fields["From"], &*inbound.fields["Body"]),
        ("+41790000005", "1")
    );
    let url = receiver.url("/inbound");
    let signature = twilio::signature_of(twilio::AUTH_TOKEN, &url, &inbound.fields);
    assert_ne!(inbound.headers["x-twilio-signature"], *signature);
    assert_eq!(receiver.untaken(), 0);
}

#[test]
fn the_signature_is_the_one_in_twilios_own_documentation() {
    // The worked example of Twilio's page on request validation.
    let fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ];
    let fields: BTreeMap<String, String> = fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    assert_eq!(
        twilio::signature_of("12345", url, &fields),
        "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    );
}
