//! The board: numbers, needs, the hold, the stream.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt as _;
use muster::account::role::Role;
use muster::alert::words::AlertState;
use muster::directory::contact::PointKind;

use crate::browser::Form;
use crate::desk::STAFF;
use crate::on_both;

fn press(action: String) -> Form {
    Form {
        action,
        fields: Vec::new(),
    }
}

on_both! {
    async fn quiet_hours_are_said_before_sending_and_on_the_board(desk: Desk) {
        let words = "Quiet hours until 22:00: text messages wait until then.";
        let before = desk.sender().await;
        before.get("/live/closure?reason=burst+pipe").await.says_not("Quiet hours");
        let desk = desk.in_quiet_hours();
        let sender = desk.signed_in("noor", &[Role::Sender]).await;
        sender.get("/live/closure?reason=burst+pipe").await.says(words).says("23 November, 10:00")
            .says("from 22:00 on, gone in");
        sender.get("/live/evacuation?hazard=FIRE").await.says_not("Quiet hours");
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let board = format!("/alerts/{}", alert.id);
        sender.get(&board).await.says(words);
        sender.post(&press(format!("{board}/stop"))).await.goes_to();
        sender.get(&board).await.says_not("Quiet hours");
    }

    async fn stop_during_the_hold_lets_nothing_out(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let board = format!("/alerts/{}", alert.id);
        let page = sender.get(&board).await;
        assert!(page.has_button("Stop: send nothing"));
        let stop = page.form(&format!("{board}/stop"));
        assert_eq!(sender.post(&stop).await.goes_to(), board);
        // Pressed again, it says how things stand.
        assert_eq!(sender.post(&stop).await.goes_to(), board);
        desk.pass(60);
        desk.settle().await;
        sender.get(&board).await.says("Stopped 14:02:07 by mara.").says("Not reached (3)");
        assert_eq!(desk.alerts().await[0].state, AlertState::Stopped);
        assert!(desk.app.phones.messages(None, 10).is_empty());
    }

    async fn the_board_sorts_people_by_what_they_need(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let board = format!("/alerts/{}", alert.id);
        desk.pass(6);
        desk.settle().await;
        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let form = press(format!("{board}/people/{ana}/answer"));
        sender.post(&form.with("answer", "help").with("how", "phone")).await.goes_to();
        let page = sender.get(&board).await;
        page.says("1 answered of 3").says("1 need help").says("Need help (1)").says("Silent (1)");
        page.says("“I need help” 14:02:13 to someone who entered it here.");
        page.says("Not reached (1)").says("No mobile number.");
        // Names are text, whatever they hold.
        assert!(page.html.contains("Luis &#60;b&#62;Gil") || page.html.contains("Luis &lt;b&gt;Gil"));
        assert_eq!(sender.get(&format!("/alerts/{}", alert.number)).await.status, StatusCode::OK);
    }

    async fn a_person_is_called_by_one_at_a_time(desk: Desk) {
        let sender = desk.sender().await;
        let other = desk.signed_in("noor", &[muster::account::role::Role::Approver]).await;
        let alert = desk.closed(&sender).await;
        let board = format!("/alerts/{}", alert.id);
        desk.pass(6);
        desk.settle().await;
        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let person = format!("{board}/people/{ana}");
        let page = sender.get(&board).await;
        let claim = page.form(&format!("{person}/calling"));
        assert_eq!(sender.post(&claim).await.goes_to(), person);
        let page = sender.get(&person).await;
        page.says("mara is calling since 14:02:13.").says("Call +41791234567");
        assert_eq!(page.link("Call +41791234567"), "tel:+41791234567");
        other.get(&board).await.says("mara is calling since 14:02:13.");
        let release = claim.with("do", "release");
        assert_eq!(sender.post(&release).await.goes_to(), board);
        other.get(&board).await.says_not("mara is calling");
    }

    async fn long_lists_are_paged_and_everybody_is_on_one_page(desk: Desk) {
        let mut people = Vec::new();
        for number in 0..120 {
            let mobile = format!("+4179700{number:04}");
            let name = format!("Person {number:03}");
            people.push(desk.person(&name, &[(PointKind::Mobile, &mobile)]).await);
        }
        desk.set_members(STAFF, &people).await;
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let mut path = format!("/alerts/{}", alert.id);
        let mut seen = Vec::new();
        for wanted in [50, 50, 20] {
            let page = sender.get(&path).await;
            page.says("Silent (120)").says(&format!("{wanted} of 120"));
            let names: Vec<String> = page
                .html
                .split("<bdi>")
                .skip(1)
                .map(|name| name.split('<').next().unwrap().to_owned())
                .filter(|name| name.starts_with("Person"))
                .collect();
            assert_eq!(names.len(), wanted);
            seen.extend(names);
            if seen.len() < 120 {
                path = page.link("Next");
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 120);
    }

    async fn the_stream_begins_with_the_board_and_tells_of_an_answer(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let board = format!("/alerts/{}", alert.id);
        let request = Request::builder().uri(format!("{board}/events")).body(Body::empty()).unwrap();
        let response = sender.open(request).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut stream = response.into_body().into_data_stream();
        let first = stream.next().await.unwrap().unwrap();
        let first = String::from_utf8_lossy(&first).into_owned();
        assert!(first.starts_with("event: board\ndata: "), "{first}");
        assert!(first.contains("answered of 3"), "{first}");

        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let form = press(format!("{board}/people/{ana}/answer"));
        sender.post(&form.with("answer", "read").with("how", "phone")).await.goes_to();
        let next = stream.next().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&next).contains("<b>1</b><span>answered of 3"));
        desk.app.stopping.cancel();
        assert!(stream.next().await.is_none(), "the stream outlives the service");
    }

    async fn the_part_that_moves_is_the_same_as_on_the_page(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let page = sender.get(&format!("/alerts/{}", alert.id)).await;
        let part = sender.get(&format!("/alerts/{}/live", alert.id)).await;
        assert!(!part.html.contains("<html"));
        assert!(page.html.contains(&part.html));
    }
}
