//! What people write instead of an answer: nobody's words are lost.

use muster::account::role::Role;
use muster::channel::{Address, Inbound};
use muster::response;
use muster::storage::responses::ReplyOutcome;

use crate::browser::{Browser, Form};
use crate::desk::Desk;
use crate::on_both;

const ANA: &str = "+41791234567";
const STRANGER: &str = "+41790000999";
const HEADING: &str = "Wrote something that is no answer";

/// A text comes from this number, a second after what was before.
async fn writes(desk: &Desk, number: &str, text: &str) -> ReplyOutcome {
    desk.pass(1);
    let message = Inbound {
        from: Address::new(number),
        text: text.to_owned(),
        gateway_id: format!("{number} {text} {}", desk.app.clock.now()),
    };
    response::inbound(&desk.app, "phones", message)
        .await
        .unwrap()
}

/// Records an answer for a person by their page, a second later.
async fn mark(desk: &Desk, sender: &Browser, person: &str, answer: &str) {
    desk.pass(1);
    let form = Form {
        action: format!("{person}/answer"),
        fields: Vec::new(),
    };
    let form = form.with("answer", answer).with("how", "phone");
    sender.post(&form).await.goes_to();
}

on_both! {
    async fn words_stand_on_the_board_until_an_answer_is_marked(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let board = format!("/alerts/{}", alert.id);
        desk.pass(6);
        desk.settle().await;
        sender.get(&board).await.says_not(HEADING);
        assert_eq!(writes(&desk, ANA, "Help").await, ReplyOutcome::NotUnderstood);
        writes(&desk, ANA, "I am trapped on floor 2 <b>").await;

        let page = sender.get(&board).await;
        page.says(&format!("{HEADING} (1)"))
            .says("Ana Cruz")
            .says("“Help” 14:02:14.")
            .says("“I am trapped on floor 2 <b>” 14:02:15.")
            .says("1 person wrote something that is no answer.");
        let person = format!("{board}/people/{}", desk.recipient(&alert, "Ana Cruz").await);
        assert_eq!(page.link("Mark answered"), format!("{person}#mark"));
        sender.get(&format!("{board}/live")).await.says(&format!("{HEADING} (1)"));
        let page = sender.get(&person).await;
        page.says("Wrote “Help” by text. That is no answer.")
            .says("14:02:15 wrote: “I am trapped on floor 2 <b>”");
        assert!(page.html.contains("id=\"mark\"") && page.html.contains("value=\"text\" selected"));

        mark(&desk, &sender, &person, "help").await;
        sender.get(&board).await.says_not(HEADING).says_not("wrote something").says("Need help (1)");
        sender.get(&person).await.says("Wrote “Help” by text.").says_not("14:02:15 wrote:");
        let report = sender.get(&format!("/reports/{}", alert.id)).await;
        report.says("What people wrote (2)").says("“Help”").says("Answered since.");
        let csv = sender.get(&report.link("CSV")).await.html;
        assert!(csv.contains("Help / I am trapped on floor 2"), "{csv}");
        let json = sender.get(&report.link("JSON")).await.html;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["messages"][0]["text"], "Help");
    }

    async fn words_after_an_answer_are_news_and_the_same_answer_again_settles_them(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let board = format!("/alerts/{}", alert.id);
        desk.pass(6);
        desk.settle().await;
        let person = format!("{board}/people/{}", desk.recipient(&alert, "Ana Cruz").await);
        mark(&desk, &sender, &person, "read").await;
        writes(&desk, ANA, "no wait").await;
        sender.get(&board).await.says(&format!("{HEADING} (1)")).says("1 answered of 3");
        mark(&desk, &sender, &person, "read").await;
        sender.get(&board).await.says_not(HEADING);
        // A digit of their own settles what they wrote before it.
        writes(&desk, ANA, "hello?").await;
        sender.get(&board).await.says(HEADING);
        assert_eq!(writes(&desk, ANA, "1").await, ReplyOutcome::Answered);
        sender.get(&board).await.says_not(HEADING);
    }

    async fn words_belong_to_the_alerts_that_run_and_not_to_those_that_are_over(desk: Desk) {
        let sender = desk.sender().await;
        let over = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        sender.post(&Form { action: format!("/alerts/{}/stop", over.id), fields: Vec::new() }).await;
        let running = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        writes(&desk, ANA, "which one?").await;
        sender.get(&format!("/alerts/{}", running.id)).await.says(&format!("{HEADING} (1)"));
        sender.get(&format!("/alerts/{}", over.id)).await.says_not(HEADING);
        sender.get("/alerts").await.says_not("Messages that belong to no running alert");
        // After 72 hours it is about something else.
        desk.pass(73 * 3600);
        assert_eq!(writes(&desk, ANA, "and now?").await, ReplyOutcome::UnknownSender);
        let later = desk.signed_in("noor", &[Role::Sender]).await;
        later.get(&format!("/alerts/{}", running.id)).await.says(&format!("{HEADING} (1)"));
    }

    async fn words_of_nobody_in_a_running_alert_stand_among_the_alerts(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        assert_eq!(writes(&desk, STRANGER, "fire in the shed").await, ReplyOutcome::UnknownSender);
        writes(&desk, ANA, "me too").await;
        let page = sender.get("/alerts").await;
        page.says("Messages that belong to no running alert (1)")
            .says("+41•••••999")
            .says("14:02:14")
            .says("“fire in the shed”")
            .says_not("me too");
        assert!(!page.html.contains(STRANGER), "a sender sees a number");
        sender.get(&format!("/alerts/{}", alert.id)).await.says_not("fire in the shed");

        // Once its alert is over, what is not dealt with is not forgotten.
        sender.post(&Form { action: format!("/alerts/{}/stop", alert.id), fields: Vec::new() }).await;
        writes(&desk, ANA, "still here").await;
        let page = sender.get("/alerts").await;
        page.says("no running alert (3)").says("“me too”").says("“still here”").says("+41•••••567");
        let person = page.link("Ana Cruz");
        sender.get(&person).await.says("wrote: “still here”");
        mark(&desk, &sender, &person, "read").await;
        sender.get("/alerts").await.says("no running alert (1)").says_not("still here");
        desk.pass(73 * 3600);
        let later = desk.signed_in("noor", &[Role::Sender]).await;
        later.get("/alerts").await.says("of 3 answered").says_not("no running alert");
    }

    async fn whoever_may_only_look_reads_the_words_and_marks_nothing(desk: Desk) {
        let sender = desk.sender().await;
        let auditor = desk.signed_in("auditor", &[Role::Auditor]).await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        writes(&desk, ANA, "Help").await;
        let board = format!("/alerts/{}", alert.id);
        auditor.get(&board).await.says("“Help” 14:02:14.").says_not("Mark answered");
        let person = format!("{board}/people/{}", desk.recipient(&alert, "Ana Cruz").await);
        auditor.get(&person).await.says("Wrote “Help” by text.").says_not("Mark answered");
    }
}
