//! What the generic gateway sends, and what it takes for a yes, a no and a perhaps.

use super::*;
use crate::channel::http_client::tests::{
    Act, Script, answer, closed_port, common, message, opening,
};
use crate::channel::sms::posted::tests::{get, post};
use crate::channel::{Certainty, Duration, Scope};

fn gateway(url: &str, more: &str) -> HttpGateway {
    let table = format!("url = \"{url}\"\n{more}").parse().unwrap();
    open_within(&common("sms", "http"), &table, &opening(), &Way::default()).unwrap()
}

fn refused(table: &str) -> OpenError {
    open_within(
        &common("sms", "http"),
        &table.parse().unwrap(),
        &opening(),
        &Way::default(),
    )
    .err()
    .unwrap()
}

async fn outcome(act: Act, more: &str) -> (Result<Accepted, Failure>, Script) {
    let script = Script::play(vec![act]).await;
    let sent = gateway(&script.url, more)
        .send(&message("Fire \"drill\"\n1 = yes"))
        .await;
    (sent, script)
}

fn kind(failure: &Failure) -> (Certainty, Duration, Scope) {
    (failure.certainty, failure.duration, failure.scope)
}

#[tokio::test]
async fn by_default_it_posts_json_and_any_2xx_is_an_acceptance() {
    let (sent, script) = outcome(answer("202 Accepted", "", ""), "").await;
    assert_eq!(
        sent.unwrap(),
        Accepted {
            gateway_id: "73014444033.1".to_owned(),
            sent: false
        }
    );
    let request = &script.requests()[0];
    assert!(request.starts_with("POST / HTTP/1.1\r\n"));
    assert!(request.contains("content-type: application/json\r\n"));
    let body = request.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(
        body,
        r#"{"to":"+15005550006","text":"Fire \"drill\"\n1 = yes","reference":"73014444033"}"#
    );
}

#[tokio::test]
async fn an_email_has_its_subject_and_its_html_by_default() {
    let script = Script::play(vec![answer("200 OK", "", "")]).await;
    let table = format!("url = \"{}\"", script.url).parse().unwrap();
    let gateway = open_within(
        &common("email", "http"),
        &table,
        &opening(),
        &Way::default(),
    )
    .unwrap();
    let message = Message {
        subject: Some("DRILL".to_owned()),
        html: Some("<p class=\"x\">Closed</p>".to_owned()),
        ..message("Closed")
    };
    gateway.send(&message).await.unwrap();
    let request = script.requests().remove(0);
    let body: serde_json::Value =
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["subject"], "DRILL");
    assert_eq!(body["html"], "<p class=\"x\">Closed</p>");
}

#[tokio::test]
async fn a_form_with_a_bearer_token_and_an_idempotency_key_goes_out_escaped() {
    let more = r#"
        body = "to={{to_digits}}&t={{text}}&dlr={{status_url}}"
        token = "s3cret"
        callback_token = "cb"
        idempotency_header = "Idempotency-Key"
    "#;
    let (sent, script) = outcome(answer("200 OK", "", "ok"), more).await;
    sent.unwrap();
    let request = &script.requests()[0];
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    assert!(request.contains("authorization: Bearer s3cret\r\n"));
    assert!(request.contains("idempotency-key: k3xq-73014444033\r\n"));
    assert!(request.ends_with(
        "to=15005550006&t=Fire%20%22drill%22%0A1%20%3D%20yes&dlr=https%3A%2F%2Fclinic.example\
         %2Fcallbacks%2Fmain%2Fstatus%3Fref%3D73014444033%26token%3Dcb"
    ));
}

#[tokio::test]
async fn a_get_puts_the_values_into_the_address_and_sends_no_body() {
    let script = Script::play(vec![answer("200 OK", "", "OK: 4711")]).await;
    let url = format!("{}/send?n={{{{to}}}}&m={{{{text}}}}", script.url);
    let gateway = gateway(
        &url,
        "method = \"GET\"\naccepted_when = \"body contains OK:\"",
    );
    gateway.send(&message("a&b")).await.unwrap();
    assert!(script.requests()[0].starts_with("GET /send?n=%2B15005550006&m=a%26b HTTP/1.1\r\n"));
    assert!(script.requests()[0].ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn the_gateways_own_id_is_taken_from_the_body_or_from_a_header() {
    let body = r#"{"messages":[{"status":0,"id":4711}]}"#;
    let more = "accepted_when = \"json:/messages/0/status = 0\"\nmessage_id = \"/messages/0/id\"";
    let (sent, _) = outcome(answer("200 OK", "", body), more).await;
    assert_eq!(sent.unwrap().gateway_id, "4711");
    let more = "message_id = \"header:X-Id\"";
    let (sent, _) = outcome(answer("200 OK", "X-Id: abc\r\n", ""), more).await;
    assert_eq!(sent.unwrap().gateway_id, "abc");
}

#[tokio::test]
async fn an_answer_without_the_id_it_must_have_leaves_the_message_in_doubt() {
    let more = "message_id = \"/id\"";
    for body in ["{}", "not json", "{\"id\":\"\"}", "{\"id\":null}"] {
        let (sent, _) = outcome(answer("200 OK", "", body), more).await;
        assert_eq!(sent.unwrap_err().certainty, Certainty::Ambiguous, "{body}");
    }
}

#[tokio::test]
async fn a_200_with_an_error_in_its_body_is_no_acceptance() {
    let more = "accepted_when = \"json:/status = ok\"";
    let (sent, _) = outcome(answer("200 OK", "", r#"{"status":"error"}"#), more).await;
    assert_eq!(
        kind(&sent.unwrap_err()),
        (Certainty::Certain, Duration::Temporary, Scope::Person)
    );
    let (sent, _) = outcome(answer("200 OK", "", "<html>"), more).await;
    assert_eq!(sent.unwrap_err().certainty, Certainty::Ambiguous);
    let (sent, _) = outcome(answer("200 OK", "", ""), "accepted_when = \"status = 202\"").await;
    assert!(sent.is_err());
}

#[tokio::test]
async fn a_server_error_is_no_acceptance_whatever_its_body_says() {
    let more = "accepted_when = \"body contains ok\"";
    let (sent, _) = outcome(answer("500 Oops", "", "ok"), more).await;
    assert_eq!(sent.unwrap_err().certainty, Certainty::Ambiguous);
}

#[tokio::test]
async fn each_kind_of_failure_is_told_apart() {
    let too_many = answer("429 Too Many Requests", "Retry-After: 7\r\n", "");
    let failure = outcome(too_many, "").await.0.unwrap_err();
    assert_eq!(
        kind(&failure),
        (Certainty::Certain, Duration::Temporary, Scope::Gateway)
    );
    assert_eq!(failure.retry_after, Some(std::time::Duration::from_secs(7)));
    let failure = outcome(answer("422 Unprocessable Content", "", ""), "")
        .await
        .0
        .unwrap_err();
    assert_eq!(
        kind(&failure),
        (Certainty::Certain, Duration::Permanent, Scope::Person)
    );
    // A wrong address says nothing about the people.
    let failure = outcome(answer("404 Not Found", "", ""), "")
        .await
        .0
        .unwrap_err();
    assert_eq!(
        kind(&failure),
        (
            Certainty::Certain,
            Duration::Temporary,
            Scope::Configuration
        )
    );
    let failure = outcome(answer("403 Forbidden", "", ""), "")
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.scope, Scope::Configuration);
    let failure = outcome(Act::HangUp, "").await.0.unwrap_err();
    assert_eq!(failure.certainty, Certainty::Ambiguous);
    let gateway = gateway(&closed_port().await, "");
    let failure = gateway.send(&message("x")).await.unwrap_err();
    assert_eq!(
        kind(&failure),
        (Certainty::Certain, Duration::Temporary, Scope::Gateway)
    );
    assert!(gateway.check().await.is_err());
}

#[test]
fn mistakes_in_the_configuration_are_named_at_the_start() {
    assert_eq!(refused("url = \"ftp://x/\"").key, "url");
    assert_eq!(refused("url = \"x\"").key, "url");
    assert_eq!(
        refused("url = \"http://x/\"\nmethod = \"DELETE\"").key,
        "method"
    );
    assert_eq!(
        refused("url = \"http://x/\"\nbody = \"{ {{text}} }\"").key,
        "body"
    );
    assert_eq!(
        refused("url = \"http://x/\"\nbody = \"{{txet}}\"").key,
        "body"
    );
    assert_eq!(
        refused("url = \"http://x/\"\nbody = \"{{text\"").key,
        "body"
    );
    assert_eq!(
        refused("url = \"http://x/\"\nmessage_id = \"id\"").key,
        "message_id"
    );
    assert_eq!(
        refused("url = \"http://x/\"\naccepted_when = \"yes\"").key,
        "accepted_when"
    );
    assert_eq!(
        refused("url = \"http://x/\"\nheaders = { \"a b\" = \"c\" }").key,
        "headers"
    );
    assert_eq!(
        refused("url = \"http://x/\"\ntls_ca_file = \"/nowhere\"").key,
        "tls_ca_file"
    );
    assert_eq!(refused("url = \"http://x/\"\nproxy = \"::\"").key, "proxy");
}

const STATUS: &str = "https://clinic.example/callbacks/main/status?ref=73014444033&token=cb";

#[test]
fn a_receipt_is_read_from_the_query_from_a_form_and_from_json() {
    let gateway = gateway("http://127.0.0.1:1/", "callback_token = \"cb\"");
    let delivered = Receipt {
        reference: "73014444033".parse().ok(),
        gateway_id: "4711".to_owned(),
        status: ReceiptStatus::Delivered,
        reason: None,
    };
    let query = get(&format!("{STATUS}&id=4711&status=DELIVRD"));
    let form = post(
        STATUS,
        "application/x-www-form-urlencoded",
        "id=4711&status=delivered",
    );
    let json = post(
        STATUS,
        "application/json",
        r#"{"id":4711,"status":"delivered"}"#,
    );
    assert_eq!(gateway.receipt(&query).unwrap()[0], delivered);
    assert_eq!(gateway.receipt(&form).unwrap()[0], delivered);
    assert_eq!(gateway.receipt(&json).unwrap()[0], delivered);
}

#[test]
fn a_failure_receipt_says_why_and_falls_back_to_our_own_id() {
    let gateway = gateway("http://127.0.0.1:1/", "callback_token = \"cb\"");
    let json = r#"[{"status":"failed","reason":"phone +15005550006 is off"}]"#;
    let receipts = gateway
        .receipt(&post(STATUS, "application/json", json))
        .unwrap();
    assert_eq!(receipts[0].gateway_id, "73014444033");
    assert_eq!(receipts[0].status, ReceiptStatus::Failed);
    assert_eq!(
        receipts[0].reason.as_deref(),
        Some("The gateway says that it did not arrive: phone … is off")
    );
}

#[test]
fn forged_and_unreadable_receipts_are_refused() {
    let gateway = gateway("http://127.0.0.1:1/", "callback_token = \"cb\"");
    let forged = get(&STATUS.replace("token=cb", "token=bc"));
    assert_eq!(gateway.receipt(&forged), Err(CallbackError::Forged));
    let unreadable = |callback| {
        matches!(
            gateway.receipt(&callback),
            Err(CallbackError::Unreadable(_))
        )
    };
    assert!(unreadable(get(STATUS)));
    assert!(unreadable(get(&format!("{STATUS}&status=perhaps"))));
    assert!(unreadable(post(STATUS, "application/json", "{")));
    assert!(unreadable(post(STATUS, "application/json", "7")));
}

#[test]
fn a_reply_is_read_and_needs_a_sender() {
    let gateway = gateway("http://127.0.0.1:1/", "callback_token = \"cb\"");
    let url = "https://clinic.example/callbacks/main/inbound?token=cb";
    let json = r#"{"from":"+15005550006","text":"1","id":"m1"}"#;
    let reply = gateway
        .inbound(&post(url, "application/json", json))
        .unwrap();
    assert_eq!(reply.from.reveal(), "+15005550006");
    assert_eq!(
        (reply.text.as_str(), reply.gateway_id.as_str()),
        ("1", "m1")
    );
    let unnamed = gateway
        .inbound(&get(&format!("{url}&from=%2B1500&text=yes")))
        .unwrap();
    let again = gateway
        .inbound(&get(&format!("{url}&from=%2B1500&text=yes")))
        .unwrap();
    assert_ne!(unnamed.gateway_id, again.gateway_id);
    assert!(gateway.inbound(&get(&format!("{url}&text=yes"))).is_err());
}

#[tokio::test]
async fn under_a_key_every_try_has_the_same_bytes() {
    let more = r#"
        idempotency_header = "Idempotency-Key"
        body = '{"text":"{{text}}","dlr":"{{status_url}}"}'
    "#;
    let acts = vec![answer("500 Oops", "", ""), answer("200 OK", "", "")];
    let script = Script::play(acts).await;
    let gateway = gateway(&script.url, more);
    assert!(gateway.is_idempotent());
    for attempt in 1..=2 {
        let mut message = message("Fire");
        message.attempt = attempt;
        message.status_url = format!(
            "https://clinic.example/callbacks/main/status?ref={}",
            message.reference()
        );
        gateway.send(&message).await.ok();
    }
    let requests = script.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0], requests[1]);
}

#[test]
fn a_provider_that_is_given_no_key_cannot_know_a_message_again() {
    let url = "url = \"http://127.0.0.1:1\"\nidempotent = true\n";
    let open = |more: &str| {
        let table = format!("{url}{more}").parse().unwrap();
        open_within(&common("sms", "http"), &table, &opening(), &Way::default())
            .map(|gateway| gateway.is_idempotent())
            .map_err(|error| error.key)
    };
    assert_eq!(open("body = 't={{text}}'"), Err("idempotent".to_owned()));
    assert_eq!(open("body = 't={{text}}&r={{reference}}'"), Ok(true));
    assert_eq!(open(""), Ok(true));
}
