//! What Kannel gets from us, and what its callbacks mean.

use super::*;
use crate::channel::http_client::tests::{Act, Script, answer, common, message, opening};
use crate::channel::sms::posted::tests::get;
use crate::channel::{Certainty, Duration, Scope};

fn gateway(url: &str, more: &str) -> Kannel {
    let table = format!(
        "url = \"{url}\"\nusername = \"muster\"\npassword = \"p&w\"\nfrom = \"13013\"\n{more}"
    );
    open_within(
        &common("sms", "kannel"),
        &table.parse().unwrap(),
        &opening(),
        &Way::default(),
    )
    .unwrap()
}

async fn outcome(act: Act, text: &str) -> (Result<Accepted, Failure>, Script) {
    let script = Script::play(vec![act]).await;
    let gateway = gateway(&script.url, "callback_token = \"t0k\"");
    (gateway.send(&message(text)).await, script)
}

fn query(script: &Script) -> Vec<(String, String)> {
    let request = script.requests().remove(0);
    let target = request.split(' ').nth(1).unwrap().to_owned();
    let (path, query) = target.split_once('?').unwrap();
    assert_eq!(path, "/cgi-bin/sendsms");
    crate::channel::callback::serde_urlencoded_pairs(query.as_bytes())
}

fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_message_carries_what_kannel_needs_and_the_receipts_address_unexpanded() {
    let (sent, script) = outcome(
        answer("202 Accepted", "", "0: Accepted for delivery"),
        "Fire & smoke €",
    )
    .await;
    assert_eq!(sent.unwrap().gateway_id, "73014444033.1");
    let query = query(&script);
    assert_eq!(value(&query, "username"), Some("muster"));
    assert_eq!(value(&query, "password"), Some("p&w"));
    assert_eq!(value(&query, "from"), Some("13013"));
    assert_eq!(value(&query, "to"), Some("+15005550006"));
    assert_eq!(value(&query, "text"), Some("Fire & smoke €"));
    assert_eq!(value(&query, "charset"), Some("UTF-8"));
    assert_eq!(value(&query, "coding"), None);
    assert_eq!(value(&query, "dlr-mask"), Some("31"));
    assert_eq!(
        value(&query, "dlr-url"),
        Some(
            "https://clinic.example/callbacks/main/status?ref=73014444033&token=t0k\
             &type=%d&answer=%A&fid=%F&smsc=%i"
        )
    );
}

#[tokio::test]
async fn text_beyond_gsm_7_is_sent_as_unicode() {
    for text in ["Smoke 🔥", "“quoted”", "Ångström ї", "\u{1b}"] {
        let (_, script) =
            outcome(answer("202 Accepted", "", "0: Accepted for delivery"), text).await;
        assert_eq!(value(&query(&script), "coding"), Some("2"), "{text}");
        assert_eq!(value(&query(&script), "text"), Some(text));
    }
}

#[tokio::test]
async fn without_a_token_no_receipt_is_asked_for_and_no_callback_believed() {
    let script = Script::play(vec![answer("202 Accepted", "", "0: Accepted for delivery")]).await;
    let gateway = gateway(&script.url, "");
    gateway.send(&message("x")).await.unwrap();
    assert_eq!(value(&query(&script), "dlr-url"), None);
    let callback = get("https://clinic.example/callbacks/main/status?ref=1&type=1&token=");
    assert_eq!(gateway.receipt(&callback), Err(CallbackError::Forged));
    assert_eq!(gateway.inbound(&callback), Err(CallbackError::Forged));
}

#[tokio::test]
async fn queued_is_taken_too_and_anything_else_is_in_doubt() {
    let (sent, _) = outcome(
        answer("202 Accepted", "", "3: Queued for later delivery"),
        "x",
    )
    .await;
    assert!(sent.is_ok());
    let (sent, _) = outcome(answer("200 OK", "", "<html>"), "x").await;
    assert_eq!(sent.unwrap_err().certainty, Certainty::Ambiguous);
}

#[tokio::test]
async fn kannels_refusals_are_told_apart() {
    let kind = async |status: &str, body: &str| {
        let failure = outcome(answer(status, "", body), "x").await.0.unwrap_err();
        (failure.certainty, failure.duration, failure.scope)
    };
    let settings = (
        Certainty::Certain,
        Duration::Temporary,
        Scope::Configuration,
    );
    let person = (Certainty::Certain, Duration::Permanent, Scope::Person);
    let no_way = (Certainty::Certain, Duration::Permanent, Scope::Gateway);
    let later = (Certainty::Certain, Duration::Temporary, Scope::Gateway);
    assert_eq!(
        kind("403 Forbidden", "Authorization failed for sendsms").await,
        settings
    );
    assert_eq!(
        kind("403 Forbidden", "Not routable. Do not try again.").await,
        no_way
    );
    assert_eq!(
        kind("400 Bad Request", "Missing receiver number, rejected").await,
        person
    );
    assert_eq!(
        kind("503 Unavailable", "Temporal failure, try again later.").await,
        later
    );
    assert_eq!(
        kind("404 Not Found", "Temporal failure, try again later.").await,
        later
    );
}

fn receipt(query: &str) -> Result<Vec<Receipt>, CallbackError> {
    let url = format!("https://clinic.example/callbacks/main/status?{query}");
    gateway("http://127.0.0.1:1", "callback_token = \"t0k\"").receipt(&get(&url))
}

#[test]
fn each_kind_of_receipt_has_its_meaning() {
    let status = |kind: &str| {
        let query = format!("ref=73014444033&token=t0k&type={kind}&answer=ACK%2F&fid=&smsc=FAKE");
        receipt(&query).unwrap()[0].status
    };
    assert_eq!(status("1"), ReceiptStatus::Delivered);
    assert_eq!(status("2"), ReceiptStatus::Failed);
    assert_eq!(status("4"), ReceiptStatus::Accepted);
    assert_eq!(status("8"), ReceiptStatus::Sent);
    assert_eq!(status("16"), ReceiptStatus::Failed);
}

#[test]
fn a_failed_receipt_is_put_into_words() {
    let failed = receipt("ref=7&token=t0k&type=2&answer=id%3A1+stat%3AEXPIRED+err%3A000").unwrap();
    assert_eq!(
        failed[0].reason.as_deref(),
        Some("The phone was off or out of reach for too long.")
    );
    assert_eq!(failed[0].gateway_id, "7");
}

#[test]
fn forged_and_unreadable_receipts_are_refused() {
    assert_eq!(receipt("ref=7&type=1"), Err(CallbackError::Forged));
    assert_eq!(
        receipt("ref=7&type=1&token=t0kk"),
        Err(CallbackError::Forged)
    );
    assert!(matches!(
        receipt("type=1&token=t0k"),
        Err(CallbackError::Unreadable(_))
    ));
    assert!(matches!(
        receipt("ref=7&token=t0k"),
        Err(CallbackError::Unreadable(_))
    ));
    assert!(matches!(
        receipt("ref=7&type=3&token=t0k"),
        Err(CallbackError::Unreadable(_))
    ));
}

#[test]
fn a_reply_is_read() {
    let callback = get(
        "https://clinic.example/callbacks/main/inbound?token=t0k&from=%2B15005550006&to=13013&text=1+yes&id=m1",
    );
    let reply = gateway("http://127.0.0.1:1", "callback_token = \"t0k\"")
        .inbound(&callback)
        .unwrap();
    assert_eq!(reply.from.reveal(), "+15005550006");
    assert_eq!(
        (reply.text.as_str(), reply.gateway_id.as_str()),
        ("1 yes", "m1")
    );
}

#[test]
fn a_token_that_kannel_would_expand_is_refused() {
    let table =
        "url = \"http://x/\"\nusername = \"u\"\npassword = \"p\"\ncallback_token = \"50%d\"";
    let opened = open_within(
        &common("sms", "kannel"),
        &table.parse().unwrap(),
        &opening(),
        &Way::default(),
    );
    assert_eq!(opened.err().unwrap().key, "callback_token");
}

#[test]
fn a_sender_and_a_user_name_of_digits_need_no_quotes() {
    let table = "url = \"http://x/\"\nusername = 7\npassword = 12\nfrom = 13013"
        .parse()
        .unwrap();
    let gateway = open_within(
        &common("sms", "kannel"),
        &table,
        &opening(),
        &Way::default(),
    )
    .unwrap();
    assert_eq!(
        (gateway.username.as_str(), gateway.from.as_deref()),
        ("7", Some("13013"))
    );
}
