//! The story from end to end, with the real program, a real Kannel and its phones, a real SMTP
//! server, and a provider shaped like Twilio: read this one first.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "support/muster.rs"]
pub mod muster;
#[path = "support/rig.rs"]
pub mod support;

use serde_json::{Value, json};

use crate::muster::{Muster, Store};
use crate::support::environment::http_client;
use crate::support::kannel::{self, Kannel};
use crate::support::smtp::{Behaviour, SmtpServer};
use crate::support::twilio::{ACCOUNT_SID, AUTH_TOKEN, Signature, Twilio};

const PEOPLE: &str = "name;email;mobile;phone;language;category;groups\n\
    Ana Pérez;ana@clinic.example;+41 79 100 00 01;;es;staff;all-staff\n\
    Ben Hill;ben@clinic.example;079 100 00 02;;en;staff;all-staff\n\
    Cleo Marsh;cleo@clinic.example;;;en;staff;all-staff\n\
    Dora Lane;;;044 668 18 00;en;staff;all-staff\n";

/// A port that Kannel can be told before the server is there.
fn gateways(kannel: &Kannel, smtp: &SmtpServer) -> String {
    format!(
        "[[gateway]]\nname = \"kannel\"\nchannel = \"sms\"\nkind = \"kannel\"\nurl = \"{}\"\n\
         username = \"{}\"\npassword = \"{}\"\nfrom = \"{}\"\ncallback_token = \"tok-1\"\n\
         [[gateway]]\nname = \"mail\"\nchannel = \"email\"\nkind = \"smtp\"\nhost = \"127.0.0.1\"\n\
         port = {}\ntls = \"none\"\nfrom = \"alerts@clinic.example\"\n",
        kannel.sendsms_url(),
        kannel::USERNAME,
        kannel::PASSWORD,
        kannel::SHORT_CODE,
        smtp.port(),
    )
}

fn link_in(text: &str) -> String {
    let start = text.find("http://").unwrap();
    text[start..]
        .split_whitespace()
        .next()
        .unwrap()
        .trim_end_matches(['.', ','])
        .to_owned()
}

/// People by name, with how they stand.
async fn standings(muster: &Muster, alert: &str) -> Vec<(String, String)> {
    let page = muster
        .get(&format!("/api/v1/alerts/{alert}/recipients?limit=100"))
        .await;
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (text(item, "name"), text(item, "state")))
        .collect()
}

fn standing<'a>(standings: &'a [(String, String)], name: &str) -> &'a str {
    &standings.iter().find(|(one, _)| one == name).unwrap().1
}

#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn from_a_spreadsheet_to_a_complete_account(store: Store) {
    let smtp = SmtpServer::start(Behaviour::default()).await;
    // Kannel must know where replies go before the server's port is known: a small relay knows both.
    let relay = support::receiver::Receiver::start().await;
    let kannel = Kannel::start(&relay.url("/mo")).await;
    let mut muster = Muster::install(store, &gateways(&kannel, &smtp)).await;
    muster.import(PEOPLE).await;
    let (code, _, error) = muster.run(&["templates", "approve", "closure"]).await;
    assert_eq!(code, 0, "{error}");
    muster.serve().await;

    let sent = muster
        .json(&[
            "send",
            "closure",
            "--to",
            "all-staff",
            "--set",
            "reason=burst pipe",
            "--live",
        ])
        .await;
    assert_eq!(sent["recipients"], 4);
    let alert = sent["id"].as_str().unwrap().to_owned();

    // Ana reads Spanish; her phone confirms; she answers by digit.
    let text = kannel.phones().expect_text("+41791000001").await;
    assert!(text.body.contains("CERRAD") && text.parts <= 2, "{text:?}");
    kannel.phones().reply("+41791000001", "1").await;
    let reply = relay.expect("/mo").await;
    let mut inbound = reqwest::Url::parse(&muster.url("/callbacks/kannel/inbound")).unwrap();
    inbound
        .query_pairs_mut()
        .append_pair("token", "tok-1")
        .extend_pairs(&reply.fields);
    assert_eq!(
        http_client().get(inbound).send().await.unwrap().status(),
        200
    );

    // Ben opens his link, which records nothing, and then presses the first button.
    let text = kannel.phones().expect_text("+41791000002").await;
    let page = http_client().get(link_in(&text.body)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert_ne!(
        standing(&standings(&muster, &alert).await, "Ben Hill"),
        "acknowledged"
    );
    let answer = page
        .split("value=")
        .nth(1)
        .unwrap()
        .trim_start_matches(['"', '\'']);
    let answer = answer
        .split(['"', '\'', '>', ' '])
        .next()
        .unwrap()
        .to_owned();
    let pressed = http_client()
        .post(link_in(&text.body))
        .form(&[("o", answer)])
        .send()
        .await
        .unwrap();
    assert_eq!(pressed.status(), 200);

    // Cleo has only mail; Dora has only a landline.
    let mail = smtp.expect_mail_to("cleo@clinic.example").await;
    assert!(
        mail.subject.contains("Riverside Clinic") && mail.html.is_some(),
        "{mail:?}"
    );
    let shown = muster
        .wait_for(
            &alert,
            "two answers, and the receipts of the phones",
            |shown| {
                shown["counts"]["acknowledged"] == 2
                    && shown["deliveries"]["sms"]["delivered"] == 2
                    && shown["counts"]["accepted"] == 1
            },
        )
        .await;
    let counts = shown["counts"].as_object().unwrap();
    let people: i64 = counts
        .iter()
        .filter(|(name, _)| *name != "recipients")
        .map(|(_, n)| n.as_i64().unwrap())
        .sum();
    assert_eq!(people, 4, "{counts:?}");
    let standings = standings(&muster, &alert).await;
    assert_eq!(standing(&standings, "Ana Pérez"), "acknowledged");
    assert_eq!(standing(&standings, "Cleo Marsh"), "accepted");
    assert_eq!(standing(&standings, "Dora Lane"), "unreachable");

    // An all-clear goes to exactly the three who were contacted.
    let (code, _, error) = muster.run(&["templates", "approve", "all-clear"]).await;
    assert_eq!(code, 0, "{error}");
    let clear = muster.json(&["all-clear", &alert]).await;
    assert_eq!(clear["recipients"], 3);
    kannel.phones().expect_text("+41791000001").await;
    muster.audit().await;

    // No number is in the database's files or in the log.
    let data = muster.folder().join("data");
    for entry in std::fs::read_dir(data).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes.windows(9).any(|part| part == b"791000001"),
            "a number lies about in clear"
        );
    }
    assert!(!muster.log().contains("791000001") && !muster.log().contains("cleo@"));
    assert!(!muster.log().contains("ERROR"), "{}", muster.log());
}

#[tokio::test]
async fn from_a_spreadsheet_to_a_complete_account_on_sqlite() {
    from_a_spreadsheet_to_a_complete_account(Store::Sqlite).await;
}

#[tokio::test]
async fn from_a_spreadsheet_to_a_complete_account_on_postgres() {
    from_a_spreadsheet_to_a_complete_account(Store::Postgres).await;
}

async fn a_providers_callbacks_count_only_when_signed(store: Store) {
    let twilio = Twilio::start().await;
    let config = format!(
        "[[gateway]]\nname = \"twilio\"\nchannel = \"sms\"\nkind = \"twilio\"\nbase_url = \"{}\"\n\
         account_sid = \"{ACCOUNT_SID}\"\nauth_token = \"{AUTH_TOKEN}\"\nfrom = \"+15005550001\"\n",
        twilio.base_url_with_prefix(),
    );
    let mut muster = Muster::install(store, &config).await;
    muster.import(PEOPLE).await;
    muster.approve_all().await;
    muster.serve().await;
    let alert = muster
        .launch("evacuation", &["all-staff"], json!({ "hazard": "fire" }))
        .await;

    let message = twilio.expect_message("+41791000001").await;
    let forged = twilio
        .report(&message, "delivered", None, Signature::Wrong)
        .await;
    assert_eq!(forged, 403);
    let real = twilio
        .report(&message, "delivered", None, Signature::Right)
        .await;
    assert_eq!(real, 200);
    let other = twilio.expect_message("+41791000002").await;
    twilio
        .report(&other, "undelivered", Some(30003), Signature::Right)
        .await;
    muster
        .wait_for(&alert, "one delivered and one failed", |shown| {
            shown["deliveries"]["sms"]["delivered"] == 1
                && shown["deliveries"]["sms"]["failed"] == 1
        })
        .await;

    let url = muster.url("/callbacks/twilio/inbound");
    assert_eq!(
        twilio
            .text_in(&url, "+41791000001", "2", Signature::Wrong)
            .await,
        403
    );
    assert_eq!(
        twilio
            .text_in(&url, "+41791000001", "2", Signature::Right)
            .await,
        200
    );
    let shown = muster
        .wait_for(&alert, "an answer by SMS", |shown| {
            shown["counts"]["acknowledged"] == 1
        })
        .await;
    assert_eq!(shown["answers"]["help"], 1, "{shown:#}");
    muster.audit().await;
}

#[tokio::test]
async fn a_providers_callbacks_count_only_when_signed_on_sqlite() {
    a_providers_callbacks_count_only_when_signed(Store::Sqlite).await;
}

#[tokio::test]
async fn a_providers_callbacks_count_only_when_signed_on_postgres() {
    a_providers_callbacks_count_only_when_signed(Store::Postgres).await;
}
