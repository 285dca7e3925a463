//! People phone the silent: whoever answers leaves the list, and nobody is called by two.

use std::time::Duration;

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::alert::follow_up;
use muster::audit::Actor;
use muster::directory::call_tree::{self, Branch};
use muster::response::{self, OnBehalf};
use muster::storage::alerts::Alert;
use muster::storage::responses::{self, Via};

use crate::browser::{Browser, House};
use crate::on_both;

/// Three silent people on a list.
async fn three_silent(house: &House) -> Alert {
    let mut people = Vec::new();
    for (number, name) in ["Ana Cruz", "Ben Diaz", "Cleo Egger"].iter().enumerate() {
        people.push(house.person(name, &format!("+1202555010{number}")).await);
    }
    house.launch(&people).await
}

async fn answers(house: &House, alert: &Alert, name: &str) {
    let recipient = house.recipients(alert).await[name];
    let entered = OnBehalf {
        recipient,
        answer: alert.options[0].key.clone(),
        via: Via::Manager,
        actor: Actor::system(),
        note: None,
    };
    response::on_behalf(&house.app, entered).await.unwrap();
}

/// A link for a helper, as the manager's page hands it out: its path.
async fn helpers_link(manager: &mut Browser, alert: &Alert, name: &str) -> String {
    let path = format!("/alerts/{}/calls/link", alert.id);
    let made = manager.post(&path, &[("name", name)]).await;
    made.says("shown once");
    let (_, rest) = made.text.split_once("http://muster.test/call/").unwrap();
    format!("/call/{}", rest.split('<').next().unwrap())
}

fn outcome<'a>(page: &'a crate::browser::Answer, word: &'a str) -> Vec<(&'static str, String)> {
    vec![
        ("recipient", page.hidden("recipient")),
        ("seen", page.hidden("seen")),
        ("outcome", word.to_owned()),
    ]
}

async fn send(browser: &mut Browser, path: &str, fields: &[(&'static str, String)]) -> StatusCode {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    browser.post(path, &fields).await.status
}

on_both! {
    async fn the_silent_come_onto_the_list_and_whoever_answers_leaves_it(house: House) {
        let alert = three_silent(&house).await;
        answers(&house, &alert, "Ben Diaz").await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        let path = format!("/alerts/{}/calls", alert.id);
        manager.get(&path).await.says("Nobody is on the list.");

        manager.post(&format!("{path}/fill"), &[]).await.leads_to(&format!("{path}?done=filled"));

        let list = manager.get(&path).await;
        list.says("Ana Cruz").says("Cleo Egger").does_not_say("Ben Diaz");
        list.says("0 of 2 people called. 2 still to call.");
        answers(&house, &alert, "Ana Cruz").await;
        let list = manager.get(&path).await;
        list.says("1 person answered without a call").says("1 still to call.");
        let calling = list.text.split("Then</h2>").next().unwrap();
        assert!(!calling.contains("Ana Cruz"), "she is still to be called");
    }

    async fn what_someone_says_on_the_phone_is_their_answer_once(house: House) {
        let alert = three_silent(&house).await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        manager.post(&format!("/alerts/{}/calls/fill", alert.id), &[]).await;
        let link = helpers_link(&mut manager, &alert, "Night porter").await;
        let mut caller = house.browser();
        let recipient = house.recipients(&alert).await["Ana Cruz"];
        let claim = vec![("recipient", recipient.to_string()), ("outcome", "claim".to_owned())];
        assert_eq!(send(&mut caller, &link, &claim).await, StatusCode::SEE_OTHER);
        let page = caller.get(&link).await;
        page.says("tel:+12025550100").says("Our building is closed").does_not_say("Press 1");
        let word = format!("spoke.{}", alert.options[0].key);
        let spoke = outcome(&page, &word);

        assert_eq!(send(&mut caller, &link, &spoke).await, StatusCode::SEE_OTHER);
        assert_eq!(send(&mut caller, &link, &spoke).await, StatusCode::CONFLICT);

        let answers = responses::list_of(&house.app.db, &[recipient]).await.unwrap();
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].via, Via::Call);
        assert_eq!(answers[0].recorded_by.as_deref(), Some("caller Night porter"));
    }

    async fn two_callers_of_one_list_never_get_the_same_person(house: House) {
        let alert = three_silent(&house).await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        manager.post(&format!("/alerts/{}/calls/fill", alert.id), &[]).await;
        let porter = helpers_link(&mut manager, &alert, "Porter").await;
        let cook = helpers_link(&mut manager, &alert, "Cook").await;
        let ana = house.recipients(&alert).await["Ana Cruz"].to_string();
        let claim = vec![("recipient", ana), ("outcome", "claim".to_owned())];

        let before = house.browser().get(&porter).await;
        before.says("I am calling Ana Cruz").does_not_say("tel:+12025550100");
        assert_eq!(send(&mut house.browser(), &porter, &claim).await, StatusCode::SEE_OTHER);
        assert_eq!(send(&mut house.browser(), &cook, &claim).await, StatusCode::CONFLICT);

        house.browser().get(&cook).await.says("I am calling Ben Diaz");
        manager.get(&format!("/alerts/{}/calls", alert.id)).await.says("Porter is calling now.");
        house.app.clock.advance(Duration::from_mins(11));
        assert_eq!(send(&mut house.browser(), &cook, &claim).await, StatusCode::SEE_OTHER);
    }

    async fn nobody_picked_up_goes_to_the_end_of_the_list(house: House) {
        let alert = three_silent(&house).await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        let path = format!("/alerts/{}/calls", alert.id);
        manager.post(&format!("{path}/fill"), &[]).await;
        let ana = house.recipients(&alert).await["Ana Cruz"].to_string();
        manager.post(&path, &[("recipient", &ana), ("outcome", "claim")]).await;
        let page = manager.get(&path).await;

        let status = send(&mut manager, &path, &outcome(&page, "no_answer")).await;

        assert_eq!(status, StatusCode::SEE_OTHER);
        let list = manager.get(&path).await;
        list.says("I am calling Ben Diaz").says("Nobody picked up 14:02:07");
        list.says("1 of 3 people called. 3 still to call.");
        assert!(list.text.find("Cleo Egger").unwrap() < list.text.rfind("Ana Cruz").unwrap());
    }

    async fn a_wrong_number_is_told_to_whoever_keeps_the_directory(house: House) {
        let alert = three_silent(&house).await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        let path = format!("/alerts/{}/calls", alert.id);
        manager.post(&format!("{path}/fill"), &[]).await;
        let ana = house.recipients(&alert).await["Ana Cruz"].to_string();
        manager.post(&path, &[("recipient", &ana), ("outcome", "claim")]).await;
        let page = manager.get(&path).await;

        send(&mut manager, &path, &outcome(&page, "wrong_number")).await;

        let list = manager.get(&path).await;
        list.says("Wrong number 14:02:07").says("Call again");
        let people = manager.get("/people?q=ana").await;
        let id = people.text.split("href=\"/people/").find(|part| part.contains("Ana Cruz")).unwrap();
        let id = id.split('"').next().unwrap();
        manager.get(&format!("/people/{id}")).await.says("reported a wrong number");
    }

    async fn a_callers_own_link_shows_nobody_elses_people(house: House) {
        let mut people = Vec::new();
        for (number, name) in ["Ana Cruz", "Ben Diaz", "Cleo Egger"].iter().enumerate() {
            people.push(house.person(name, &format!("+1202555010{number}")).await);
        }
        let branch = Branch { caller: people[0], people: vec![people[1]] };
        let by = Actor::system();
        call_tree::save(&house.app.db, "Night", vec![branch], house.now(), &by).await.unwrap();
        let alert = house.launch(&people).await;
        answers(&house, &alert, "Ana Cruz").await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        let path = format!("/alerts/{}/calls", alert.id);
        manager.post(&format!("{path}/fill"), &[]).await;
        manager.get(&path).await.says("Make a link for Ana Cruz");
        let ana = people[0].to_string();
        let fields = [("caller", ana.as_str()), ("name", "Ana Cruz")];
        let made = manager.post(&format!("{path}/link"), &fields).await;
        let (_, rest) = made.text.split_once("http://muster.test/call/").unwrap();
        let own = format!("/call/{}", rest.split('<').next().unwrap());
        let cleo = house.recipients(&alert).await["Cleo Egger"];

        let page = house.browser().get(&own).await;

        page.says("Ben Diaz").says("tel:+12025550101").does_not_say("Cleo Egger");
        page.does_not_say("href=\"/alerts").does_not_say("/people/");
        let theirs = house.browser().get(&format!("{own}?person={cleo}")).await;
        theirs.does_not_say("Cleo Egger");
        let foreign = vec![("recipient", cleo.to_string()), ("outcome", "voicemail".to_owned())];
        assert_eq!(send(&mut house.browser(), &own, &foreign).await, StatusCode::CONFLICT);
    }

    async fn a_link_ends_three_days_after_its_alert_and_when_it_is_replaced(house: House) {
        let alert = three_silent(&house).await;
        let mut manager = house.signed_in(&[Role::Sender]).await;
        let old = helpers_link(&mut manager, &alert, "Porter").await;
        let new = helpers_link(&mut manager, &alert, "Porter").await;

        assert_eq!(house.browser().get(&old).await.status, StatusCode::NOT_FOUND);
        assert_eq!(house.browser().get(&new).await.status, StatusCode::OK);
        follow_up::stop(&house.app, alert.id, Actor::system()).await.unwrap();
        house.app.clock.advance(Duration::from_hours(71));
        assert_eq!(house.browser().get(&new).await.status, StatusCode::OK);
        house.app.clock.advance(Duration::from_hours(2));
        let closed = house.browser().get(&new).await;
        assert_eq!(closed.status, StatusCode::NOT_FOUND);
        let unknown = house.browser().get("/call/7kQmXw3TzRb9VdLpNc5HsY").await;
        assert_eq!(closed.text, unknown.text);
        closed.says("+1 202 555 0100");
    }

    async fn whoever_may_not_call_sees_no_list(house: House) {
        let alert = three_silent(&house).await;
        for role in [Role::Auditor, Role::SystemAdmin, Role::DirectoryAdmin] {
            let mut browser = house.signed_in(&[role]).await;
            let page = browser.get(&format!("/alerts/{}/calls", alert.id)).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{role}");
        }
    }
}
