//! F28: people phone people, and the list changes under their hands.

use muster::alert::LaunchRequest;
use muster::audit::Actor;
use muster::directory::call_tree::{self, Branch};
use muster::directory::contact::PointKind;
use muster::ids::ContactId;
use muster::phone_tree::Caller;
use muster::phone_tree::calling::{self, Call, Came};
use muster::response::{self, OnBehalf};
use muster::storage::alerts::Alert;
use muster::storage::calls::{self, CallTask, Whose};
use muster::storage::responses::Via;

use crate::house::{House, mobile};
use crate::on_both;

/// Dana calls Ana, Ben and Cleo.
async fn tree(house: &House) -> Vec<ContactId> {
    let mut people = Vec::new();
    for (number, name) in (0..).zip(["Ana", "Ben", "Cleo", "Dana"]) {
        people.push(
            house
                .person(name, &[(PointKind::Mobile, &mobile(number))])
                .await,
        );
    }
    house.group("everyone", &people).await;
    save(house, people[3], people[..3].to_vec()).await;
    people
}

async fn save(house: &House, caller: ContactId, people: Vec<ContactId>) {
    let branches = vec![Branch { caller, people }];
    let now = house.app.clock.now();
    call_tree::save(&house.app.db, "night", branches, now, &Actor::system())
        .await
        .unwrap();
}

async fn escalating(house: &House) -> Alert {
    let request = LaunchRequest {
        plan: None,
        ..house.evacuation()
    };
    let alert = house.launch(request).await;
    house.settle().await;
    alert
}

async fn answers(house: &House, alert: &Alert, name: &str) {
    let entered = OnBehalf {
        recipient: house.standing_of(alert, name).await.id,
        answer: alert.options[0].key.clone(),
        via: Via::Manager,
        actor: Actor::system(),
        note: None,
    };
    response::on_behalf(&house.app, entered).await.unwrap();
}

async fn to_do(house: &House, alert: &Alert, whose: Whose) -> Vec<CallTask> {
    calls::list_to_do(&house.app.db, alert.number, whose, 100)
        .await
        .unwrap()
}

async fn names(house: &House, alert: &Alert, whose: Whose) -> Vec<String> {
    to_do(house, alert, whose)
        .await
        .into_iter()
        .map(|task| task.name)
        .collect()
}

on_both! {
    async fn f28_a_caller_who_has_not_answered_loses_the_branch_to_anyone(house: House) {
        let people = tree(&house).await;
        let alert = escalating(&house).await;
        house.pass(301).await;
        assert_eq!(names(&house, &alert, Whose::Caller(people[3])).await, Vec::<String>::new());
        assert_eq!(names(&house, &alert, Whose::Anyone).await.len(), 4, "Dana herself is to be called");
    }

    async fn f28_whoever_answers_leaves_every_list_at_once_and_comes_onto_none(house: House) {
        let people = tree(&house).await;
        let alert = escalating(&house).await;
        answers(&house, &alert, "Dana").await;
        answers(&house, &alert, "Ana").await;
        house.pass(301).await;
        let dana = Whose::Caller(people[3]);
        assert_eq!(names(&house, &alert, dana).await, ["Ben", "Cleo"]);
        answers(&house, &alert, "Ben").await;
        assert_eq!(names(&house, &alert, dana).await, ["Cleo"]);
        assert_eq!(names(&house, &alert, Whose::All).await, ["Cleo"]);
    }

    async fn f28_whoever_does_not_pick_up_goes_to_the_end_and_is_not_lost(house: House) {
        let people = tree(&house).await;
        let alert = escalating(&house).await;
        answers(&house, &alert, "Dana").await;
        house.pass(301).await;
        let whose = Whose::Caller(people[3]);
        let caller = Caller { actor: Actor::user("dana"), whose };
        let first = to_do(&house, &alert, whose).await.remove(0);
        let call = Call { recipient: first.recipient, came: Came::NoAnswer, seen: first.outcome_at, note: None };
        calling::claim(&house.app, &caller, first.recipient).await.unwrap();
        calling::report(&house.app, &caller, call.clone()).await.unwrap();
        assert_eq!(names(&house, &alert, whose).await, ["Ben", "Cleo", "Ana"]);
        // The same form sent again is the same call.
        house.app.clock.advance(std::time::Duration::from_secs(5));
        drop(calling::report(&house.app, &caller, call).await);
        let outcomes: Vec<_> = to_do(&house, &alert, whose).await.into_iter().map(|task| task.outcome_at).collect();
        assert_eq!(outcomes.iter().flatten().count(), 1);
    }

    async fn f28_a_tree_that_is_edited_during_the_alert_changes_no_list_that_is_in_use(house: House) {
        let people = tree(&house).await;
        let alert = escalating(&house).await;
        answers(&house, &alert, "Dana").await;
        house.pass(301).await;
        let before = to_do(&house, &alert, Whose::All).await;
        save(&house, people[0], vec![people[1], people[2]]).await;
        calling::call_the_silent(&house.app, alert.number, &Actor::system()).await.unwrap();
        house.pass(600).await;
        assert_eq!(to_do(&house, &alert, Whose::All).await, before);
    }
}
