//! What becomes of a message when a mail server takes it, refuses it, or goes silent half-way.

mod server;

use tokio::net::TcpListener;

use self::server::Step::{Bye, Encrypt, Hear, Say, Stall, Take};
use self::server::{HELLO, MAIL, MailServer, Step, steps};
use super::*;
use crate::channel::http_client::tests::{common, opening};
use crate::channel::{Address, Certainty, Scope};

fn message() -> Message {
    Message {
        to: Address::new("ana@clinic.example"),
        subject: Some("DRILL: closure\r\nBcc: all@clinic.example".to_owned()),
        html: Some(
            "<p>Closed. <a href=\"https://clinic.example/a/token\">Answer</a></p>".to_owned(),
        ),
        ..crate::channel::http_client::tests::message(".Closed today – burst pipe\0\n.\n")
    }
}

async fn failure_of(script: Vec<Step>, more: &str) -> Failure {
    let server = MailServer::play(vec![script]).await;
    let gateway = server.gateway(more);
    let failure = gateway.send(&message()).await.unwrap_err();
    drop(gateway);
    server.letters().await;
    failure
}

#[tokio::test]
async fn a_message_is_handed_over_whole_with_a_stable_id() {
    let server = MailServer::play(vec![steps([HELLO.into(), MAIL.into(), MAIL.into()])]).await;
    let gateway = server.gateway("");
    let first = gateway.send(&message()).await.unwrap();
    let again = gateway
        .send(&Message {
            attempt: 2,
            ..message()
        })
        .await
        .unwrap();
    assert_eq!(first.gateway_id, "muster.73014444033.k3xq@clinic.example");
    assert_eq!(first, again);
    let letters = server.letters().await;
    let undated = |letter: &str| {
        letter
            .lines()
            .filter(|line| !line.starts_with("Date: "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(undated(&letters[0]), undated(&letters[1]));
    let letter = &letters[0];
    let (head, body) = letter.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("Message-ID: <muster.73014444033.k3xq@clinic.example>\r\n"),
        "{head}"
    );
    assert!(
        head.contains("From: \"Riverside Clinic\" <alerts@clinic.example>\r\n"),
        "{head}"
    );
    assert!(head.contains("To: ana@clinic.example\r\n"), "{head}");
    assert!(
        head.contains("Subject: DRILL: closure  Bcc: all@clinic.example\r\n"),
        "{head}"
    );
    assert!(
        head.contains("Auto-Submitted: auto-generated\r\n"),
        "{head}"
    );
    assert!(
        head.contains("Content-Type: multipart/alternative"),
        "{head}"
    );
    assert!(!head.contains("\nBcc:"), "{head}");
    assert!(
        body.contains("text/plain") && body.contains("text/html"),
        "{body}"
    );
    assert!(letter.is_ascii());
}

#[tokio::test]
async fn with_pipelining_the_envelope_goes_in_one_packet() {
    let hello = [Say("220 x"), Hear("EHLO"), Say("250-x\r\n250 PIPELINING")];
    let mail = [
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n354 go on"),
        Take,
        Say("250 ok"),
    ];
    let server = MailServer::play(vec![steps([hello.into(), mail.into()])]).await;
    server.gateway("").send(&message()).await.unwrap();
    assert_eq!(server.letters().await.len(), 1);
}

#[tokio::test]
async fn a_recipient_refused_in_a_pipeline_harms_no_other_message() {
    let hello = || vec![Say("220 x"), Hear("EHLO"), Say("250-x\r\n250 PIPELINING")];
    let refused = || vec![Hear("MAIL"), Hear("RCPT"), Hear("DATA")];
    let first = steps([
        hello(),
        refused(),
        vec![
            Say("250 ok\r\n550 5.1.1 no\r\n554 no recipients"),
            Hear("RSET"),
            Say("250 ok"),
        ],
        refused(),
        // This server wants the message all the same: the only way out is to hang up.
        vec![Say("250 ok\r\n550 5.1.1 no\r\n354 go on"), Bye],
    ]);
    let server = MailServer::play(vec![first]).await;
    let gateway = server.gateway("");
    for _ in 0..2 {
        let failure = gateway.send(&message()).await.unwrap_err();
        assert_eq!(failure.scope, Scope::Person);
        assert_eq!(failure.reason, "The mailbox does not exist.");
    }
    assert!(server.letters().await.is_empty());
}

#[tokio::test]
async fn after_a_refused_recipient_the_connection_serves_the_next() {
    let refused = vec![
        Hear("MAIL"),
        Say("250 ok"),
        Hear("RCPT"),
        Say("452 4.2.2 mailbox busy"),
        Hear("RSET"),
        Say("250 ok"),
    ];
    let server = MailServer::play(vec![steps([HELLO.into(), refused, MAIL.into()])]).await;
    let gateway = server.gateway("");
    let failure = gateway.send(&message()).await.unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Person)
    );
    gateway.send(&message()).await.unwrap();
    assert_eq!(server.letters().await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced_once() {
    let first = steps([HELLO.into(), MAIL.into()]);
    // The server's farewell lies in wait for the next command.
    let second = steps([
        HELLO.into(),
        MAIL.into(),
        vec![Say("421 4.4.2 idle too long")],
    ]);
    let third = steps([HELLO.into(), MAIL.into()]);
    let server = MailServer::play(vec![first, second, third]).await;
    let gateway = server.gateway("");
    for _ in 0..3 {
        gateway.send(&message()).await.unwrap();
    }
    assert_eq!(server.letters().await.len(), 3);
}

#[tokio::test]
async fn a_busy_server_is_certain_and_concerns_everyone() {
    let failure = failure_of(vec![Say("421 too many connections")], "").await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
    let sender = steps([
        HELLO.into(),
        vec![Hear("MAIL"), Say("451 later"), Hear("RSET"), Say("250 ok")],
    ]);
    let failure = failure_of(sender, "").await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_leaves_the_message_in_doubt() {
    let mut mail = Vec::from(MAIL);
    mail.pop();
    let failure = failure_of(steps([HELLO.into(), mail]), "").await;
    assert_eq!(failure.certainty, Certainty::Ambiguous);
}

#[tokio::test]
async fn a_connection_lost_before_the_message_is_certain() {
    let mut mail = Vec::from(MAIL);
    mail.truncate(5);
    let failure = failure_of(steps([HELLO.into(), mail]), "").await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_and_its_late_words_are_not_heard() {
    let silent = steps([HELLO.into(), vec![Hear("MAIL"), Stall]]);
    let server = MailServer::play(vec![silent, steps([HELLO.into(), MAIL.into()])]).await;
    let limits = Limits {
        command: Duration::from_millis(700),
        ..Limits::default()
    };
    let gateway = server.gateway_within("", limits);
    let failure = gateway.send(&message()).await.unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
    gateway.send(&message()).await.unwrap();
    assert_eq!(server.letters().await.len(), 1);
}

#[tokio::test]
async fn a_refused_message_is_certain_and_the_persons() {
    let mut mail = Vec::from(MAIL);
    mail.pop();
    mail.extend([
        Say("554 5.7.1 looks like spam"),
        Hear("RSET"),
        Say("250 ok"),
    ]);
    let failure = failure_of(steps([HELLO.into(), mail]), "").await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Person)
    );
}

const STARTTLS: &str = "tls = \"starttls\"\nusername = \"muster\"\npassword = \"pw\"";

fn with_authority(settings: &str) -> String {
    format!("{settings}\ntls_ca_file = \"{}\"", tls::tests::AUTHORITY)
}

#[tokio::test]
async fn starttls_protects_the_password_and_the_message() {
    let script = steps([
        vec![
            Say("220 x"),
            Hear("EHLO"),
            Say("250-x\r\n250-AUTH LOGIN\r\n250 STARTTLS"),
        ],
        vec![Hear("STARTTLS"), Say("220 go on"), Encrypt],
        vec![Hear("EHLO"), Say("250-x\r\n250 AUTH PLAIN LOGIN")],
        vec![Hear("AUTH PLAIN AG11c3RlcgBwdw=="), Say("235 welcome")],
        MAIL.into(),
    ]);
    let server = MailServer::play(vec![script]).await;
    server
        .gateway(&with_authority(STARTTLS))
        .send(&message())
        .await
        .unwrap();
    assert_eq!(server.letters().await.len(), 1);
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_password_nor_message() {
    let script = vec![
        Say("220 x"),
        Hear("EHLO"),
        Say("250-x\r\n250 AUTH PLAIN"),
        Bye,
    ];
    let failure = failure_of(script, STARTTLS).await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Configuration)
    );
    assert_eq!(failure.reason, "The mail server does not offer STARTTLS.");
}

#[tokio::test]
async fn words_slipped_in_before_the_handshake_are_not_believed() {
    let script = vec![
        Say("220 x"),
        Hear("EHLO"),
        Say("250-x\r\n250 STARTTLS"),
        Hear("STARTTLS"),
        Say("220 go on\r\n250-x\r\n250 AUTH PLAIN"),
        Bye,
    ];
    let failure = failure_of(script, &with_authority(STARTTLS)).await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

#[tokio::test]
async fn an_unknown_certificate_stops_everything() {
    let script = vec![
        Say("220 x"),
        Hear("EHLO"),
        Say("250-x\r\n250 STARTTLS"),
        Hear("STARTTLS"),
        Say("220 go on"),
        Encrypt,
    ];
    let failure = failure_of(script, STARTTLS).await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

#[tokio::test]
async fn tls_from_the_first_byte_works_with_login() {
    let script = steps([
        vec![
            Encrypt,
            Say("220 x"),
            Hear("EHLO"),
            Say("250-x\r\n250 AUTH LOGIN"),
        ],
        vec![
            Hear("AUTH LOGIN"),
            Say("334 VXNlcm5hbWU6"),
            Hear("bXVzdGVy"),
            Say("334 UGFzc3dvcmQ6"),
        ],
        vec![Hear("cHc="), Say("235 welcome")],
        MAIL.into(),
    ]);
    let server = MailServer::play(vec![script]).await;
    let settings = with_authority(&STARTTLS.replace("starttls", "tls"));
    server.gateway(&settings).send(&message()).await.unwrap();
    assert_eq!(server.letters().await.len(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_settings() {
    let script = vec![
        Say("220 x"),
        Hear("EHLO"),
        Say("250-x\r\n250 AUTH PLAIN"),
        Hear("AUTH PLAIN"),
        Say("535 5.7.8 wrong"),
    ];
    let failure = failure_of(script, "username = \"muster\"\npassword = \"pw\"").await;
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Configuration)
    );
}

#[tokio::test]
async fn the_check_signs_in_and_leaves() {
    let script = vec![
        Say("220 x"),
        Hear("EHLO"),
        Say("250-x\r\n250 AUTH PLAIN"),
        Hear("AUTH PLAIN"),
        Say("235 welcome"),
        Hear("QUIT"),
    ];
    let server = MailServer::play(vec![script]).await;
    server
        .gateway("username = \"muster\"\npassword = \"pw\"")
        .check()
        .await
        .unwrap();
    assert!(server.letters().await.is_empty());
}

#[tokio::test]
async fn nobody_listening_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let server = MailServer {
        address,
        task: tokio::spawn(async { Vec::new() }),
    };
    let failure = server.gateway("").send(&message()).await.unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
    assert!(server.gateway("").check().await.is_err());
}

#[tokio::test]
async fn an_address_that_is_none_fails_that_person_alone_and_nothing_is_said() {
    let server = MailServer::play(vec![]).await;
    let gateway = server.gateway("");
    let bad = [
        "",
        "ana",
        "ana@",
        "a b@clinic.example",
        "a@b.example\r\nRCPT TO:<x@y.z>",
        "<a@b.c>",
    ];
    for address in bad {
        let message = Message {
            to: Address::new(address),
            ..message()
        };
        let failure = gateway.send(&message).await.unwrap_err();
        assert_eq!(failure.scope, Scope::Person, "{address:?}");
    }
}

#[tokio::test]
async fn an_address_with_other_letters_needs_a_server_that_takes_them() {
    let utf8 = Message {
        to: Address::new("anä@clinic.example"),
        ..message()
    };
    let server = MailServer::play(vec![steps([HELLO.into(), MAIL.into()])]).await;
    let gateway = server.gateway("");
    assert_eq!(gateway.send(&utf8).await.unwrap_err().scope, Scope::Person);
    gateway.send(&message()).await.unwrap();
    assert_eq!(server.letters().await.len(), 1);
    let hello = vec![Say("220 x"), Hear("EHLO"), Say("250-x\r\n250 SMTPUTF8")];
    let mail = vec![
        Hear("MAIL FROM:<alerts@clinic.example> SMTPUTF8\r\n"),
        Say("250 ok"),
        Hear("RCPT TO:<anä@clinic.example>\r\n"),
        Say("250 ok"),
        Hear("DATA"),
        Say("354 go on"),
        Take,
        Say("250 ok"),
    ];
    let server = MailServer::play(vec![steps([hello, mail])]).await;
    server.gateway("").send(&utf8).await.unwrap();
    assert_eq!(server.letters().await.len(), 1);
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let key = |table: &str| {
        let common = common("email", "smtp");
        let opened = open_within(
            &common,
            &table.parse().unwrap(),
            &opening(),
            Limits::default(),
        );
        opened.err().unwrap().key
    };
    assert_eq!(key("from = \"a@b.example\""), "host");
    assert_eq!(key("host = \"bad host\"\nfrom = \"a@b.example\""), "host");
    assert_eq!(key("host = \"x\"\nfrom = \"nobody\""), "from");
    assert_eq!(key("host = \"x\"\nfrom = \"a@b.example\\r\\n\""), "from");
    assert_eq!(
        key("host = \"x\"\nfrom = \"a@b.example\"\ntls = \"ssl\""),
        "tls"
    );
    assert_eq!(
        key("host = \"x\"\nfrom = \"a@b.example\"\nusername = \"u\""),
        "password"
    );
    assert_eq!(
        key("host = \"x\"\nfrom = \"a@b.example\"\nport = 99999"),
        "port"
    );
    assert_eq!(
        key("host = \"x\"\nfrom = \"a@b.example\"\nhello_name = \"a b\""),
        "hello_name"
    );
    assert_eq!(
        key("host = \"x\"\nfrom = \"a@b.example\"\nreply_to = \"x\""),
        "reply_to"
    );
}
