//! What Twilio gets from us, and which of its callbacks are believed.

use super::*;
use crate::channel::http_client::tests::{Act, Script, answer, common, message, opening};
use crate::channel::sms::posted::tests::post;
use crate::channel::{Certainty, Duration, ReceiptStatus, Scope};

fn gateway(base_url: &str, more: &str) -> Twilio {
    let table = format!(
        "base_url = \"{base_url}\"\naccount_sid = \"AC1\"\nauth_token = \"12345\"\n\
         from = \"+15005550001\"\n{more}"
    );
    open_within(
        &common("sms", "twilio"),
        &table.parse().unwrap(),
        &opening(),
        &Way::default(),
    )
    .unwrap()
}

async fn outcome(act: Act) -> (Result<Accepted, Failure>, Script) {
    let script = Script::play(vec![act]).await;
    let base_url = format!("{}/prefix/", script.url);
    let sent = gateway(&base_url, "").send(&message("Fire & smoke")).await;
    (sent, script)
}

async fn failure(status: &str, body: &str) -> (Certainty, Duration, Scope, String) {
    let failure = outcome(answer(status, "", body)).await.0.unwrap_err();
    (
        failure.certainty,
        failure.duration,
        failure.scope,
        failure.reason,
    )
}

#[tokio::test]
async fn a_message_is_posted_as_twilio_wants_it_and_its_sid_is_kept() {
    let (sent, script) = outcome(answer(
        "201 Created",
        "",
        r#"{"sid":"SM1","status":"queued"}"#,
    ))
    .await;
    assert_eq!(
        sent.unwrap(),
        Accepted {
            gateway_id: "SM1".to_owned(),
            sent: false
        }
    );
    let request = &script.requests()[0];
    assert!(request.starts_with("POST /prefix/2010-04-01/Accounts/AC1/Messages.json HTTP/1.1\r\n"));
    // AC1:12345
    assert!(request.contains("authorization: Basic QUMxOjEyMzQ1\r\n"));
    assert!(request.ends_with(
        "To=%2B15005550006&From=%2B15005550001&Body=Fire+%26+smoke&StatusCallback=https%3A%2F%2F\
         clinic.example%2Fcallbacks%2Fmain%2Fstatus%3Fref%3D73014444033"
    ));
}

#[tokio::test]
async fn a_messaging_service_is_named_as_one() {
    let script = Script::play(vec![answer("201 Created", "", r#"{"sid":"SM1"}"#)]).await;
    let mut gateway = gateway(&script.url, "");
    gateway.from = "MG0123456789abcdef0123456789abcdef".to_owned();
    gateway.send(&message("x")).await.unwrap();
    assert!(script.requests()[0].contains("&MessagingServiceSid=MG0123456789abcdef"));
    let script = Script::play(vec![answer("201 Created", "", r#"{"sid":"SM1"}"#)]).await;
    let mut gateway = self::gateway(&script.url, "");
    gateway.from = "MGH Boston".to_owned();
    gateway.send(&message("x")).await.unwrap();
    assert!(script.requests()[0].contains("&From=MGH+Boston&"));
}

#[tokio::test]
async fn without_a_sid_nothing_is_accepted() {
    for body in ["{}", "oops", r#"{"sid":""}"#, r#"{"code":20003}"#] {
        let sent = outcome(answer("200 OK", "", body)).await.0;
        assert_eq!(sent.unwrap_err().certainty, Certainty::Ambiguous, "{body}");
    }
}

#[tokio::test]
async fn twilios_error_numbers_say_whose_trouble_it_is() {
    let body = |code: u32| format!(r#"{{"code":{code},"message":"to +15005550006","status":400}}"#);
    let (certainty, duration, scope, reason) = failure("400 Bad Request", &body(21211)).await;
    assert_eq!(
        (certainty, duration, scope),
        (Certainty::Certain, Duration::Permanent, Scope::Person)
    );
    assert_eq!(reason, "The number does not exist.");
    assert!(
        failure("400 Bad Request", &body(21610))
            .await
            .3
            .contains("STOP")
    );
    assert_eq!(
        failure("400 Bad Request", &body(21606)).await.2,
        Scope::Configuration
    );
    assert_eq!(
        failure("401 Unauthorized", &body(20003)).await.2,
        Scope::Configuration
    );
    assert_eq!(
        failure("429 Too Many Requests", &body(20429)).await.2,
        Scope::Gateway
    );
    let unknown = failure("400 Bad Request", &body(29999)).await;
    assert_eq!((unknown.1, unknown.2), (Duration::Permanent, Scope::Person));
    assert!(!unknown.3.contains("15005550006"));
}

#[tokio::test]
async fn a_server_error_may_come_after_the_message_was_taken_and_503_may_not() {
    assert_eq!(failure("500 Oops", "").await.0, Certainty::Ambiguous);
    assert_eq!(failure("503 Busy", "").await.0, Certainty::Certain);
    let hung_up = outcome(Act::HangUp).await.0.unwrap_err();
    assert_eq!(hung_up.certainty, Certainty::Ambiguous);
}

#[tokio::test]
async fn the_check_asks_for_the_account_and_counts_only_what_matters() {
    let check = async |status: &str| {
        let script = Script::play(vec![answer(status, "", "{}")]).await;
        let checked = gateway(&script.url, "").check().await;
        assert!(script.requests()[0].starts_with("GET /2010-04-01/Accounts/AC1.json "));
        checked.err().map(|failure| failure.scope)
    };
    assert_eq!(check("200 OK").await, None);
    assert_eq!(check("404 Not Found").await, None);
    assert_eq!(check("401 Unauthorized").await, Some(Scope::Configuration));
    assert_eq!(check("500 Oops").await, Some(Scope::Gateway));
}

const FORM: &str = "application/x-www-form-urlencoded";
const STATUS: &str = "https://clinic.example/callbacks/twilio/status?ref=73014444033";

fn signed(url: &str, body: &str, signature: &str) -> Callback {
    let mut callback = post(url, FORM, body);
    callback
        .headers
        .push(("x-twilio-signature".to_owned(), signature.to_owned()));
    callback
}

#[test]
fn twilios_documented_example_is_believed() {
    let callback = signed(
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309\
         &CallSid=CA1234567890ABCDE",
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    );
    assert_eq!(gateway("http://127.0.0.1:1", "").believe(&callback), Ok(()));
}

// The signatures below were computed by another program, from Twilio's description.

#[test]
fn a_signed_receipt_is_read() {
    let body = "MessageSid=SM1&MessageStatus=delivered&To=%2B15005550006";
    let receipt = gateway("http://127.0.0.1:1", "")
        .receipt(&signed(STATUS, body, "HXxbURNMgF0Nr/Q0JS8jOcDtwdI="))
        .unwrap();
    assert_eq!(receipt[0].reference.unwrap().delivery.0, 73_014_444_033);
    assert_eq!(receipt[0].gateway_id, "SM1");
    assert_eq!(receipt[0].status, ReceiptStatus::Delivered);
    let body = "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003";
    let receipt = gateway("http://127.0.0.1:1", "")
        .receipt(&signed(STATUS, body, "RGtt0S6cYAq0EMOIKZM+espxNnI="))
        .unwrap();
    assert_eq!(receipt[0].status, ReceiptStatus::Failed);
    assert_eq!(
        receipt[0].reason.as_deref(),
        Some("The phone was off or out of reach.")
    );
}

#[test]
fn a_signature_over_the_address_with_its_default_port_counts() {
    let body = "MessageSid=SM1&MessageStatus=delivered&To=%2B15005550006";
    let callback = signed(STATUS, body, "QJWwS8FW9yLbq7h8kg//HPD4GVI=");
    assert!(gateway("http://127.0.0.1:1", "").receipt(&callback).is_ok());
}

#[test]
fn while_the_token_changes_the_previous_one_still_counts() {
    let body = "MessageSid=SM1&MessageStatus=delivered&To=%2B15005550006";
    let callback = signed(STATUS, body, "62Ri6zhvhcInB6xBjHzMjBpvguU=");
    let without = gateway("http://127.0.0.1:1", "");
    let with = gateway("http://127.0.0.1:1", "auth_token_previous = \"old-token\"");
    assert_eq!(without.receipt(&callback), Err(CallbackError::Forged));
    assert!(with.receipt(&callback).is_ok());
}

#[test]
fn nothing_unsigned_or_altered_is_believed() {
    let gateway = gateway("http://127.0.0.1:1", "");
    let body = "MessageSid=SM1&MessageStatus=delivered&To=%2B15005550006";
    let good = "HXxbURNMgF0Nr/Q0JS8jOcDtwdI=";
    let forged = [
        post(STATUS, FORM, body),
        signed(STATUS, body, ""),
        signed(STATUS, body, "!!!"),
        signed(STATUS, &body.replace("delivered", "failed"), good),
        signed(&STATUS.replace("73014444033", "73014444034"), body, good),
    ];
    for callback in forged {
        assert_eq!(gateway.receipt(&callback), Err(CallbackError::Forged));
        assert_eq!(gateway.inbound(&callback), Err(CallbackError::Forged));
    }
}

#[test]
fn a_signed_reply_is_read() {
    let callback = signed(
        "https://clinic.example/callbacks/twilio/inbound",
        "MessageSid=SM2&From=%2B15005550006&Body=1+please+%26+thanks",
        "LJiz6vbJk05IcwrBjA1M3pywNO0=",
    );
    let reply = gateway("http://127.0.0.1:1", "")
        .inbound(&callback)
        .unwrap();
    assert_eq!(reply.from.reveal(), "+15005550006");
    assert_eq!(reply.text, "1 please & thanks");
    assert_eq!(reply.gateway_id, "SM2");
}

#[test]
fn empty_or_odd_settings_are_refused() {
    let key = |table: &str| {
        let table = table.parse().unwrap();
        open_within(
            &common("sms", "twilio"),
            &table,
            &opening(),
            &Way::default(),
        )
        .err()
        .unwrap()
        .key
    };
    assert_eq!(
        key("account_sid = \"AC1\"\nauth_token = \"\"\nfrom = \"x\""),
        "auth_token"
    );
    assert_eq!(
        key("account_sid = \"A/../\"\nauth_token = \"x\"\nfrom = \"x\""),
        "account_sid"
    );
    assert_eq!(
        key("base_url = \"api\"\naccount_sid = \"AC1\"\nauth_token = \"x\"\nfrom = \"x\""),
        "base_url"
    );
}
