//! From the launch board to a sent alert, and everything that must not be sent.

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::alert::words::Mode;
use muster::directory::contact::PointKind;

use crate::desk::STAFF;
use crate::on_both;

on_both! {
    async fn a_manager_without_javascript_sends_a_closure_in_four_steps(desk: Desk) {
        let sender = desk.sender().await;
        let start = sender.get("/").await;
        assert_eq!(start.goes_to(), "/live");
        let board = sender.get("/live").await;
        board.says("What has happened?").says("Nothing has been sent yet.").says("no drill yet");
        let tile = board.link("burst pipe");
        assert_eq!(tile, "/live/closure?reason=burst+pipe");

        let check = sender.get(&tile).await;
        check
            .says("Check: Clinic closed")
            .says("Approved by rosa, version 1, 22 November 2026.")
            .says("burst pipe")
            .says("Send LIVE alert to 3 people")
            .says("1 person has only a landline: they go onto the call list.");
        let form = check.form("/live/closure").with("has-read", "yes");
        let sent = sender.post(&form).await;

        let alert = desk.alerts().await.pop().unwrap();
        assert_eq!(sent.goes_to(), format!("/alerts/{}", alert.id));
        assert_eq!((alert.mode, alert.recipients), (Mode::Actual, 3));
        let board = sender.get(&sent.goes_to()).await;
        board.says("Sending in 5 s").says("LIVE alert to 3 people. Nothing has left yet.");
        desk.pass(6);
        desk.settle().await;
        let board = sender.get(&sent.goes_to()).await;
        board.says("0 answered of 3").says("Running for 1 s").says("Silent (2)").says("Not reached (1)");
    }

    async fn the_text_on_the_check_page_is_the_text_that_is_kept(desk: Desk) {
        let sender = desk.sender().await;
        let check = sender.get("/live/closure?reason=burst+pipe").await;
        desk.pass(90);
        sender.post(&check.form("/live/closure").with("has-read", "yes")).await.goes_to();
        let alert = desk.alerts().await.pop().unwrap();
        let texts = muster::report::texts(&desk.app.db, &alert).await.unwrap();
        let kept = texts.iter().find(|text| text.channel.word() == "sms").unwrap();
        // All of it but the person's own link, which was made up on the page.
        let (before, after) = kept.text.split_once("\"link\"").unwrap();
        assert!(before.contains("14:02"), "{before}");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        check.says(&words(before)).says(&words(after));
    }

    async fn pressing_twice_going_back_and_reloading_make_one_alert(desk: Desk) {
        let sender = desk.sender().await;
        let form = desk.closure_form(&sender).await;
        let (one, two) = tokio::join!(sender.post(&form), sender.post(&form));
        assert_eq!(one.goes_to(), two.goes_to());
        desk.pass(600);
        assert_eq!(sender.post(&form).await.goes_to(), one.goes_to());
        assert_eq!(desk.alerts().await.len(), 1);
    }

    async fn a_page_used_once_says_so_when_its_words_are_changed_and_sent_again(desk: Desk) {
        let sender = desk.sender().await;
        let form = desk.closure_form(&sender).await;
        sender.post(&form).await.goes_to();
        let again = sender.post(&form.with("reason", "power cut")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("You have already sent an alert from this page.");
        assert_eq!(desk.alerts().await.len(), 1);
    }

    async fn what_was_not_read_is_not_sent(desk: Desk) {
        let sender = desk.sender().await;
        let other = desk.signed_in("noor", &[muster::account::role::Role::Sender]).await;
        desk.group("night-shift", &[]).await;
        let form = desk.closure_form(&sender).await;
        let forged = form.fields.iter().find(|(name, _)| name == "as-read").unwrap().1.clone();
        let forged = forged.replacen(".3.", ".2.", 1);
        for tampered in [
            form.clone().with("reason", "power cut"),
            form.clone().with("until", "noon today"),
            form.clone().and("to-group", "night-shift"),
            form.clone().without("to-group"),
            form.clone().and("to-contact", &uuid_of_nobody()),
            form.clone().with("as-read", &forged),
            form.clone().with("as-read", "rubbish"),
            form.clone().without("as-read"),
        ] {
            let page = sender.post(&tampered).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{tampered:?}");
            page.says("Something changed: read it again.").says("Nothing has been sent.");
        }
        // Read by one person, pressed by another.
        let page = other.post(&form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(desk.alerts().await.is_empty());
    }

    async fn without_the_tick_nothing_is_sent(desk: Desk) {
        let sender = desk.sender().await;
        let form = desk.closure_form(&sender).await.without("has-read");
        let page = sender.post(&form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.says("Tick the sentence above the button first");
        assert!(desk.alerts().await.is_empty());
        let ticked = page.form("/live/closure").with("has-read", "yes");
        sender.post(&ticked).await.goes_to();
    }

    async fn a_page_that_was_read_long_ago_must_be_read_again(desk: Desk) {
        let sender = desk.sender().await;
        let form = desk.closure_form(&sender).await;
        desk.pass(31 * 60);
        sender.post(&form).await.says("Something changed: read it again.");
        assert!(desk.alerts().await.is_empty());
    }

    async fn more_people_than_were_read_about_are_not_told(desk: Desk) {
        let sender = desk.sender().await;
        let form = desk.closure_form(&sender).await;
        let mut people = Vec::new();
        for number in 0..5 {
            let mobile = format!("+4179999000{number}");
            people.push(desk.person(&format!("Person {number}"), &[(PointKind::Mobile, &mobile)]).await);
        }
        desk.set_members(STAFF, &people).await;
        let page = sender.post(&form).await;
        page.says("Something changed: read it again.").says("Send LIVE alert to 5 people");
        assert!(desk.alerts().await.is_empty());
    }

    async fn a_blank_that_is_open_is_asked_for_and_leaves_no_button(desk: Desk) {
        let sender = desk.sender().await;
        let page = sender.get("/live/closure").await;
        page.says("Fill in first: Why is it closed?").says("[Why is it closed?]");
        assert!(!page.has_button("Send"));
        let form = page.form("/live/closure").with("has-read", "yes");
        sender.post(&form).await.says("Fill in first");
        assert!(desk.alerts().await.is_empty());

        // "Something else", typed; then shown with these words.
        let form = form.with("reason", "").with("reason.other", "a gas leak");
        let page = sender.get(&format!("/live/closure?{}", form.query())).await;
        page.says("a gas leak").says("Send LIVE alert to 3 people");
    }

    async fn nobody_chosen_and_an_empty_group_are_refused_in_words(desk: Desk) {
        let sender = desk.sender().await;
        let page = sender.get("/live/closure?reason=x&to-chosen=yes").await;
        page.says("Nobody is chosen");
        assert!(!page.has_button("Send"));
        let page = sender.get("/live/closure?reason=x&to-group=todays-patients").await;
        page.says("has nobody in it");
        assert!(!page.has_button("Send"));
        let page = sender.get("/live/closure?reason=x&to-group=nowhere").await;
        page.says("There is no group \"nowhere\".");
        assert!(!page.has_button("Send"));
    }

    async fn a_drill_is_a_drill_from_its_page_to_its_board(desk: Desk) {
        let sender = desk.sender().await;
        let page = sender.get("/drill/closure?reason=burst+pipe").await;
        page.says("Send DRILL to 3 people").says_not("LIVE alert to");
        let form = page.form("/drill/closure").with("has-read", "yes");
        // The page of a drill pressed into the address of the real thing sends nothing.
        let mut live = form.clone();
        live.action = "/live/closure".to_owned();
        sender.post(&live).await.says("Something changed: read it again.");
        assert!(desk.alerts().await.is_empty());

        let board = sender.post(&form).await.goes_to();
        let alert = desk.alerts().await.pop().unwrap();
        assert_eq!(alert.mode, Mode::Exercise);
        let page = sender.get(&board).await;
        page.says("DRILL to 3 people");
        assert!(page.html.contains("class=\"drill\""));
        sender.get("/live").await.says("last drill today").says_not("RUNNING NOW");
        sender.get("/drill").await.says("RUNNING NOW");
    }

    async fn a_drill_that_no_gateway_carries_is_refused_in_words(desk: Desk) {
        let desk = desk.without_drills();
        let sender = desk.sender().await;
        sender.get("/drill").await.says("No gateway carries drills");
        let page = sender.get("/drill/closure?reason=burst+pipe").await;
        page.says("No gateway can carry this DRILL");
        assert!(!page.has_button("Send"));
        let form = page.form("/drill/closure").with("has-read", "yes");
        sender.post(&form).await;
        assert!(desk.alerts().await.is_empty());
    }

    async fn a_running_alert_of_the_same_kind_is_pointed_out(desk: Desk) {
        let sender = desk.sender().await;
        desk.closed(&sender).await;
        // A moment later it is more likely the same event, whoever sent it; and also if it was stopped.
        desk.pass(40);
        let soon = sender.get("/live/closure?reason=burst+pipe").await;
        soon.says("mara sent “Clinic closed” to 3 people 40 s ago.").says("Send LIVE alert to 3 people");
        desk.pass(100);
        sender.get("/live/closure").await.says("“Clinic closed” is running already, since 14:02:07.");
        sender.get("/drill/closure").await.says("A LIVE alert is running");
        sender.get("/live").await.says("RUNNING NOW").says("0 of 3 answered");
    }

    async fn of_two_who_press_send_at_the_same_time_the_second_is_warned_and_may_still_send(desk: Desk) {
        let (mara, noor) = (desk.sender().await, desk.signed_in("noor", &[Role::Sender]).await);
        let (one, two) = (desk.closure_form(&mara).await, desk.closure_form(&noor).await);
        desk.pass(3);
        mara.post(&one).await.goes_to();
        let warned = noor.post(&two).await;
        warned.says("mara sent “Clinic closed” to 3 people 0 s ago.").says("Nothing was sent.");
        assert_eq!(desk.alerts().await.len(), 1);
        let again = warned.form("/live/closure").with("has-read", "yes");
        desk.pass(3);
        noor.post(&again).await.goes_to();
        assert_eq!(desk.alerts().await.len(), 2);
    }

    async fn a_call_out_says_how_many_are_needed_who_is_asked_first_and_what_the_rest_hears(desk: Desk) {
        let sender = desk.sender().await;
        let page = sender.get("/live/staff-call-out?who=nurses&to-group=all-staff").await;
        page.says("How many are needed?")
            .says("5 are needed, and only 3 people can be asked.")
            .says("Send LIVE call-out: 5 of 3 people")
            .says("once 5 have said yes")
            .says("Once it is filled: ")
            .says("FILLED, THANK YOU")
            .says("YOU ARE NEEDED");
        let two = "/live/staff-call-out?who=nurses&to-group=all-staff&how-many=2&answer-within=60";
        let page = sender.get(two).await;
        page.says("Send LIVE call-out: 2 of 3 people").says("after 1 min without an answer");
        let everyone = "/live/staff-call-out?who=nurses&to-group=all-staff&how-many=everyone";
        sender.get(everyone).await.says("Send LIVE alert to 3 people");
        let wrong = "/live/staff-call-out?who=nurses&to-group=all-staff&how-many=&how-many.other=many";
        let refused = sender.get(wrong).await;
        refused.says("Needed must be between 1 and 10000 people").says_not("Send LIVE");

        let sent = sender.post(&page.form("/live/staff-call-out").with("has-read", "yes")).await;
        let board = sent.goes_to();
        desk.pass(6);
        desk.settle().await;
        let shown = sender.get(&board).await;
        shown.says("0 of 2 are coming, 2 more are needed").says("coming of 2").says("asked of 3");
    }

    async fn people_may_be_picked_one_by_one(desk: Desk) {
        let sender = desk.sender().await;
        let one = desk.person("Tomas Vega", &[(PointKind::Mobile, "+41791111111")]).await;
        let page = sender.get(&format!("/live/closure?reason=x&to-contact={one}")).await;
        page.says("Who gets it: Tomas Vega").says("Send LIVE alert to 1 person");
        sender.post(&page.form("/live/closure").with("has-read", "yes")).await.goes_to();
        assert_eq!(desk.alerts().await.pop().unwrap().recipients, 1);
    }
}

fn uuid_of_nobody() -> String {
    "0193f2a0-0000-7000-8000-000000000000".to_owned()
}
