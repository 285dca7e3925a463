//! Correct, all clear, update, remind, stop: each read before it is done, and done once.

use axum::http::StatusCode;
use muster::alert::words::{AlertKind, AlertState};

use crate::on_both;

on_both! {
    async fn a_false_alarm_is_corrected_in_two_taps_and_once(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let board = sender.get(&format!("/alerts/{}", alert.id)).await;
        let page = sender.get(&board.link("Correct: false alarm")).await;
        page.says("Correct: Clinic closed was a false alarm").says("exactly those who were contacted");
        assert!(page.has_button("Send correction to 2 people"));
        let form = page.form(&format!("/alerts/{}/correct", alert.id));
        let (one, two) = tokio::join!(sender.post(&form), sender.post(&form));
        assert_eq!(one.goes_to(), two.goes_to());
        assert_eq!(sender.post(&form).await.goes_to(), one.goes_to());

        let all = desk.alerts().await;
        assert_eq!(all.len(), 2);
        assert_eq!((all[1].kind, all[1].recipients), (AlertKind::Correction, 2));
        assert_eq!(all[0].state, AlertState::Stopped);
        sender.get(&one.goes_to()).await.says("(to alert 1)").says("Belongs together");
    }

    async fn an_update_needs_its_news_and_is_sent_as_read(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let path = format!("/alerts/{}/update", alert.id);
        let page = sender.get(&path).await;
        page.says("Fill in first: What is new");
        assert!(!page.has_button("Send"));
        sender.post(&page.form(&path)).await;
        assert_eq!(desk.alerts().await.len(), 1);

        let news = page.form(&path).with("news", "").with("news.other", "The pipe is mended.");
        let page = sender.get(&format!("{path}?{}", news.query())).await;
        page.says("The pipe is mended.");
        assert!(page.has_button("Send update to 2 people"));
        let form = page.form(&path);
        let tampered = form.clone().with("news.other", "The pipe is worse.");
        assert_eq!(sender.post(&tampered).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(desk.alerts().await.len(), 1);
        sender.post(&form).await.goes_to();
        let all = desk.alerts().await;
        assert_eq!((all[1].kind, all[0].state), (AlertKind::Update, AlertState::Running));
    }

    async fn the_silent_are_reminded_once(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let steps = alert.plan.steps.len();
        let path = format!("/alerts/{}/remind", alert.id);
        let board = sender.get(&format!("/alerts/{}", alert.id)).await;
        assert_eq!(board.link("Remind the silent"), path);
        let form = sender.get(&path).await.form(&path);
        sender.post(&form).await.goes_to();
        sender.post(&form).await.goes_to();
        assert_eq!(desk.alerts().await[0].plan.steps.len(), steps + 1);
    }

    async fn an_all_clear_before_anybody_was_told_stops_the_alert_and_says_so(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let path = format!("/alerts/{}/all-clear", alert.id);
        let page = sender.get(&path).await;
        page.says("Nobody has been told yet. This stops the alert, and writes to nobody.");
        assert!(!page.has_button("Send") && page.has_button("Stop this alert"));
        let board = sender.post(&page.form(&path)).await.goes_to();
        assert_eq!(board, format!("/alerts/{}", alert.id));
        assert_eq!(desk.alerts().await.len(), 1);
        assert_eq!(desk.alerts().await[0].state, AlertState::Stopped);
    }

    async fn a_stop_says_beforehand_what_will_not_go_out(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let path = format!("/alerts/{}/stop", alert.id);
        let page = sender.get(&path).await;
        page.says("Nobody is told that it was stopped").says("Messages already handed over 3");
        assert!(page.has_button("Stop this alert"));
        sender.post(&page.form(&path)).await.goes_to();
        assert_eq!(desk.alerts().await[0].state, AlertState::Stopped);
    }
}
