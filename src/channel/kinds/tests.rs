//! What a gateway's part of the configuration may say, and how it is told what is wrong with it.

use super::*;
use crate::channel::http_client::tests::opening;

fn refused(text: &str) -> OpenError {
    open(&text.parse().unwrap(), &opening()).unwrap_err()
}

const HTTP: &str = "name = \"a\"\nchannel = \"sms\"\nkind = \"http\"\n";

#[test]
fn a_gateway_opens_with_its_shared_settings_and_defaults() {
    let table = format!("{HTTP}url = \"http://127.0.0.1:1/send\"\nslots = 3\ncost = 1\n");
    let configured = open(&table.parse().unwrap(), &opening()).unwrap();
    assert_eq!(configured.common.name, "a");
    assert_eq!(configured.common.slots, 3);
    assert_eq!(configured.common.priority, 10);
    assert_eq!(configured.common.cost, Some(1.0));
    assert!(!configured.common.exercises);
}

#[test]
fn an_unknown_key_is_named_with_the_gateway_and_the_known_keys() {
    let error = refused(&format!("{HTTP}url = \"http://x/\"\nurll = 1\n"));
    assert_eq!(error.key, "urll");
    let shown = error.to_string();
    assert!(
        shown.starts_with("gateway \"a\": unknown key \"urll\"; this kind's keys are: \"url\"")
    );
}

#[test]
fn a_missing_key_and_a_wrong_type_are_named() {
    assert_eq!(
        refused(HTTP).to_string(),
        "gateway \"a\": the key \"url\" is missing"
    );
    assert_eq!(refused("channel = \"sms\"\nkind = \"http\"").key, "name");
    let error = refused(&format!("{HTTP}url = \"http://x/\"\nslots = \"many\"\n"));
    assert_eq!(error.key, "slots");
    let error = refused(&HTTP.replace("sms", "fax"));
    assert_eq!(error.key, "channel");
    assert!(error.message.contains("fax"), "{error}");
}

#[test]
fn an_unknown_kind_is_answered_with_the_known_ones() {
    let error = refused(&HTTP.replace("http", "pigeon"));
    assert_eq!(
        error.to_string(),
        "gateway \"a\": the kind \"pigeon\" does not exist; the kinds are: sandbox, http, twilio, \
         kannel, smtp"
    );
}

#[test]
fn a_kind_of_a_later_version_is_told_from_one_that_does_not_exist() {
    let error = refused(&HTTP.replace("http", "vonage"));
    assert!(error.message.contains("is not in this version of Muster"));
}

#[test]
fn a_kind_refuses_a_channel_that_it_cannot_serve() {
    let error = refused("name = \"a\"\nchannel = \"email\"\nkind = \"twilio\"");
    assert_eq!(error.key, "channel");
    assert!(error.message.ends_with("it serves: sms"));
}

#[test]
fn shared_settings_out_of_range_are_refused() {
    let with = |line: &str| refused(&format!("{HTTP}url = \"http://x/\"\n{line}\n")).key;
    assert_eq!(with("slots = 0"), "slots");
    assert_eq!(with("slots = 5000"), "slots");
    assert_eq!(with("rate_per_second = 0"), "rate_per_second");
    assert_eq!(with("rate_per_second = nan"), "rate_per_second");
    assert_eq!(with("cost = -1.0"), "cost");
    assert_eq!(refused(&HTTP.replace("\"a\"", "\"a/b\"")).key, "name");
}

#[test]
fn a_secret_may_stand_in_a_file_but_not_in_both_places() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret\n").unwrap();
    let path = file.path().display();
    let twilio = "name = \"t\"\nchannel = \"sms\"\nkind = \"twilio\"\naccount_sid = \"AC1\"\nfrom = \"+1\"\n";
    let from_file = format!("{twilio}auth_token_file = \"{path}\"\n");
    assert!(open(&from_file.parse().unwrap(), &opening()).is_ok());
    assert_eq!(
        refused(&format!("{from_file}auth_token = \"x\"\n")).key,
        "auth_token_file"
    );
    std::fs::write(file.path(), "\n").unwrap();
    assert!(refused(&from_file).message.contains("is empty"));
    assert!(
        refused(&format!("{twilio}auth_token_file = \"/nowhere\"\n"))
            .message
            .contains("/nowhere")
    );
}

#[test]
fn an_error_never_shows_a_secret() {
    let table = "name = \"t\"\nchannel = \"sms\"\nkind = \"twilio\"\naccount_sid = \"AC/1\"\nfrom = \"+1\"\nauth_token = \"hunter2\"\n";
    assert!(!refused(table).to_string().contains("hunter2"));
}
