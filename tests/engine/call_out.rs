//! Call-outs: people are asked in turn until enough have said yes.

use std::collections::BTreeSet;
use std::time::Duration;

use muster::alert::LaunchRequest;
use muster::alert::follow_up;
use muster::alert::words::{AlertKind, Mode};
use muster::call_out::Wanted;
use muster::channel::{Channel, Failure, Message};
use muster::directory::contact::PointKind;
use muster::escalation;
use muster::response::{self, Answered, OnBehalf};
use muster::storage::alerts::Alert;
use muster::storage::call_out;
use muster::storage::responses::Via;
use muster::storage::standing::PersonState;

use crate::house::{House, Order, mobile, request};
use crate::on_both;

fn calling(needed: u32) -> LaunchRequest {
    LaunchRequest {
        call_out: Some(Wanted {
            needed,
            answer_within: None,
            ahead: None,
        }),
        ..request("staff-call-out", &[("who", "nurses")])
    }
}

/// The texts that say this, in the order they left.
fn saying(house: &House, words: &str) -> Vec<Message> {
    let taken = house.sms.taken().into_iter();
    taken
        .filter(|message| message.text.contains(words))
        .collect()
}

fn numbers(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| message.to.reveal().to_owned())
        .collect()
}

/// Whom it asked, in the order it asked.
fn asked(house: &House) -> Vec<String> {
    numbers(&saying(house, "STAFF NEEDED"))
}

fn filled(house: &House) -> BTreeSet<String> {
    let told = numbers(&saying(house, "FILLED"));
    let distinct: BTreeSet<String> = told.iter().cloned().collect();
    assert_eq!(told.len(), distinct.len(), "nobody is told twice");
    distinct
}

fn needed(house: &House) -> Vec<String> {
    numbers(&saying(house, "YOU ARE NEEDED"))
}

fn token(house: &House, number: &str) -> String {
    let to_them = |message: &&Message| message.to.reveal() == number;
    let taken = house.sms.taken();
    let last = taken.iter().rfind(to_them).unwrap();
    last.link.rsplit('/').next().unwrap().to_owned()
}

/// Answers, without anything being done about it yet.
async fn says(house: &House, number: &str, answer: &str) {
    let answered = response::link(&house.app, &token(house, number), answer, None)
        .await
        .unwrap()
        .answered;
    assert!(matches!(answered, Answered::Recorded(_)));
}

async fn says_and_settles(house: &House, number: &str, answer: &str) {
    says(house, number, answer).await;
    house.settle().await;
}

async fn yes(house: &House, alert: &Alert) -> Vec<String> {
    let people = house.people(alert).await;
    let yes = call_out::list_yes(&house.app.db, alert.number)
        .await
        .unwrap();
    let name = |id| people.iter().find(|one| one.id == id).unwrap().name.clone();
    yes.into_iter().map(name).collect()
}

/// The name that the crowd's person with this number has.
fn named(number: &str) -> String {
    let n: u32 = number.strip_prefix("+4179").unwrap().parse().unwrap();
    assert_eq!(mobile(n), number);
    format!("Person {n:05}")
}

on_both! {
    async fn as_many_are_asked_as_are_needed_and_the_rest_waits(house: House) {
        house.crowd(12).await;
        let alert = house.launch(calling(5)).await;
        house.settle().await;
        assert_eq!(asked(&house).len(), 5);
        let counts = house.counts(&alert).await;
        assert_eq!(counts, [(PersonState::Accepted, 5), (PersonState::Queued, 7)].into());
        house.pass(599).await;
        assert_eq!(asked(&house).len(), 5);
    }

    async fn a_no_asks_the_next_one_at_once(house: House) {
        house.crowd(6).await;
        house.launch(calling(2)).await;
        house.settle().await;
        let first = asked(&house)[0].clone();
        says_and_settles(&house, &first, "cannot").await;
        assert_eq!(asked(&house).len(), 3);
        says_and_settles(&house, &first, "cannot").await;
        assert_eq!(asked(&house).len(), 3, "the same no again changes nothing");
        let distinct: BTreeSet<String> = asked(&house).into_iter().collect();
        assert_eq!(distinct.len(), 3, "nobody is asked twice");
    }

    async fn after_ten_minutes_of_silence_the_next_ones_are_asked_too(house: House) {
        house.crowd(9).await;
        house.launch(calling(2)).await;
        house.settle().await;
        let first = asked(&house)[0].clone();
        says_and_settles(&house, &first, "in_15").await;
        house.pass(600).await;
        assert_eq!(asked(&house).len(), 3, "one place is open, one person thinks for too long");
        house.pass(600).await;
        assert_eq!(asked(&house).len(), 4);
        // Whoever took their time may still say yes.
        let slow = asked(&house)[1].clone();
        says_and_settles(&house, &slow, "in_60").await;
        assert_eq!(filled(&house).len(), 2);
    }

    async fn once_enough_said_yes_the_others_who_were_asked_are_thanked_and_nobody_else_is(house: House) {
        house.crowd(9).await;
        let alert = house.launch(LaunchRequest { plan: None, ..calling(2) }).await;
        house.settle().await;
        let [one, two] = asked(&house).try_into().unwrap();
        says_and_settles(&house, &one, "cannot").await;
        let three = asked(&house)[2].clone();
        house.pass(599).await;
        let reminded = house.sms.taken().len() - 3;
        assert_eq!(reminded, 2, "the silent are reminded, each counted from when they were asked");
        house.pass(1).await;
        let more: BTreeSet<String> = asked(&house)[3 + reminded..].iter().cloned().collect();
        assert_eq!(more.len(), 2, "both think for too long");
        says_and_settles(&house, &two, "in_15").await;
        assert_eq!(filled(&house), [].into());
        says_and_settles(&house, &three, "in_30").await;
        assert_eq!(filled(&house), more, "a no is not thanked, a yes comes");
        assert_eq!(yes(&house, &alert).await, [named(&two), named(&three)]);
        let counts = house.counts(&alert).await;
        assert_eq!(
            counts,
            [(PersonState::Acknowledged, 3), (PersonState::Accepted, 2), (PersonState::Excluded, 4)].into()
        );
        house.pass(3600).await;
        assert_eq!(house.sms.taken().len(), 5 + reminded + 2, "no reminder after it was filled");
    }

    async fn of_two_who_say_yes_at_the_same_moment_one_is_in_and_the_other_stands_by(house: House) {
        house.crowd(10).await;
        let wanted = Wanted { needed: 3, answer_within: None, ahead: Some(7) };
        let alert = house.launch(LaunchRequest { call_out: Some(wanted), ..calling(3) }).await;
        house.settle().await;
        let all = asked(&house);
        assert_eq!(all.len(), 10, "three and seven ahead");
        let answers = all.iter().map(|number| says(&house, number, "in_15"));
        futures::future::join_all(answers).await;
        let yes = yes(&house, &alert).await;
        assert_eq!(yes.len(), 10);
        house.settle().await;
        let told: BTreeSet<String> = filled(&house).iter().map(|number| named(number)).collect();
        assert_eq!(told, yes[3..].iter().cloned().collect(), "exactly those who are not in");
        assert_eq!(needed(&house), Vec::<String>::new());
    }

    async fn when_someone_withdraws_the_first_of_the_standby_list_is_told_that_they_are_needed(house: House) {
        house.crowd(6).await;
        let wanted = Wanted { needed: 1, answer_within: None, ahead: Some(2) };
        let alert = house.launch(LaunchRequest { call_out: Some(wanted), ..calling(1) }).await;
        house.settle().await;
        let [one, two, three] = asked(&house).try_into().unwrap();
        for number in [&one, &three, &two] {
            says_and_settles(&house, number, "in_15").await;
        }
        says_and_settles(&house, &one, "cannot").await;
        assert_eq!(needed(&house), std::slice::from_ref(&three), "in the order in which they said yes");
        assert_eq!(yes(&house, &alert).await, [named(&three), named(&two)]);
        // Saying yes again does not push anyone out.
        says_and_settles(&house, &one, "in_30").await;
        assert_eq!(yes(&house, &alert).await, [named(&three), named(&two), named(&one)]);
        says_and_settles(&house, &three, "cannot").await;
        says_and_settles(&house, &two, "cannot").await;
        assert_eq!(needed(&house), [three, two, one]);
        assert_eq!(asked(&house).len(), 3, "the standby list was long enough");
    }

    async fn a_place_that_nobody_stands_by_for_is_offered_to_the_next_in_turn(house: House) {
        house.crowd(4).await;
        let alert = house.launch(calling(1)).await;
        house.settle().await;
        let one = asked(&house)[0].clone();
        says_and_settles(&house, &one, "in_15").await;
        assert_eq!(house.counts(&alert).await[&PersonState::Excluded], 3);
        says_and_settles(&house, &one, "cannot").await;
        assert_eq!(asked(&house).len(), 2);
        assert_eq!(house.counts(&alert).await[&PersonState::Queued], 2, "they are wanted again");
        // Whoever was told that it is filled, and is needed then, hears that as well.
        let two = asked(&house)[1].clone();
        says_and_settles(&house, &two, "in_15").await;
        assert_eq!(filled(&house), [].into());
    }

    async fn people_whom_no_message_can_reach_keep_nobody_from_being_asked(house: House) {
        let mut people = vec![house.person("No way", &[]).await];
        house.sms.next(Order::Refuse(Failure::person("there is no such number")));
        people.push(house.person("Wrong number", &[(PointKind::Mobile, &mobile(1))]).await);
        people.push(house.person("Right number", &[(PointKind::Mobile, &mobile(2))]).await);
        house.group("everyone", &people).await;
        let alert = house.launch(calling(1)).await;
        house.settle().await;
        let told = asked(&house);
        assert_eq!(told.len(), 1);
        says_and_settles(&house, &told[0], "in_15").await;
        assert_eq!(yes(&house, &alert).await.len(), 1);
    }

    async fn a_server_that_dies_between_two_waves_asks_nobody_twice(house: House) {
        house.crowd(8).await;
        let alert = house.launch(calling(3)).await;
        house.settle().await;
        for number in asked(&house) {
            says(&house, &number, "cannot").await;
        }
        // The wave is on disk, its messages are not: then the server dies.
        let (first, second) = (house.restarted().await, house.clone());
        let both = tokio::join!(escalation::turn(&first.app), escalation::turn(&second.app));
        assert!(both.0.unwrap() | both.1.unwrap());
        first.settle().await;
        let all = asked(&house);
        assert_eq!(all.len(), 6);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 6);
        assert_eq!(call_out::count_asked(&house.app.db, alert.number).await.unwrap(), 6);
    }

    async fn who_was_asked_last_time_is_asked_last_this_time(house: House) {
        house.crowd(6).await;
        let first = house.launch(calling(3)).await;
        house.settle().await;
        let before: BTreeSet<String> = asked(&house).into_iter().collect();
        follow_up::stop(&house.app, first.id, muster::audit::Actor::system()).await.unwrap();
        // A drill does not count: nobody was woken in earnest.
        let drill = LaunchRequest { mode: Mode::Exercise, ..calling(6) };
        let drill = house.launch(drill).await;
        house.pass(60).await;
        follow_up::stop(&house.app, drill.id, muster::audit::Actor::system()).await.unwrap();
        let so_far = house.sms.taken().len();
        house.launch(calling(3)).await;
        house.settle().await;
        let now: BTreeSet<String> = numbers(&house.sms.taken()[so_far..]).into_iter().collect();
        assert!(now.is_disjoint(&before), "{now:?} were asked before: {before:?}");
        // A quarter of a year later it is forgotten.
        house.pass(91 * 24 * 3600).await;
        let alert = house.launch(calling(1)).await;
        assert_eq!(house.people(&alert).await.len(), 6);
    }

    async fn a_stop_asks_nobody_else_and_a_correction_goes_to_those_who_were_asked(house: House) {
        house.crowd(7).await;
        let alert = house.launch(calling(2)).await;
        house.settle().await;
        let told: BTreeSet<String> = asked(&house).into_iter().collect();
        let follow_up = follow_up::FollowUpRequest {
            alert: alert.id,
            kind: AlertKind::Correction,
            template: None,
            variables: [].into(),
            hold: Duration::ZERO,
            composed_at: None,
            actor: muster::audit::Actor::system(),
        };
        follow_up::follow_up(&house.app, follow_up).await.unwrap();
        let first = asked(&house)[0].clone();
        says(&house, &first, "cannot").await;
        house.pass(3600).await;
        assert_eq!(house.counts(&alert).await[&PersonState::Excluded], 5);
        let corrected = numbers(&house.sms.taken()[2..]);
        assert_eq!(corrected.into_iter().collect::<BTreeSet<_>>(), told);
        assert_eq!(filled(&house), [].into());
    }

    async fn a_yes_after_the_end_takes_no_place(house: House) {
        house.crowd(3).await;
        let alert = house.launch(calling(2)).await;
        house.settle().await;
        let one = asked(&house)[0].clone();
        follow_up::stop(&house.app, alert.id, muster::audit::Actor::system()).await.unwrap();
        says_and_settles(&house, &one, "in_15").await;
        assert_eq!(yes(&house, &alert).await, Vec::<String>::new());
        assert_eq!(house.counts(&alert).await[&PersonState::Acknowledged], 1);
    }

    async fn two_who_share_a_phone_are_each_asked_in_their_own_turn(house: House) {
        let shared = mobile(9);
        let mut people = Vec::new();
        for name in ["Ana", "Luis"] {
            people.push(house.person(name, &[(PointKind::Mobile, &shared)]).await);
        }
        house.group("everyone", &people).await;
        let alert = house.launch(calling(1)).await;
        house.settle().await;
        assert_eq!(asked(&house).len(), 1);
        house.pass(600).await;
        assert_eq!(asked(&house).len(), 2, "the second turn is a message of its own");
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 2)].into());
    }

    async fn what_a_mail_scanner_may_have_pressed_fills_no_place(house: House) {
        house.crowd(2).await;
        let alert = house.launch(calling(1)).await;
        house.settle().await;
        let mail = house.email.taken()[0].link.rsplit('/').next().unwrap().to_owned();
        response::link(&house.app, &mail, "in_15", None).await.unwrap();
        house.settle().await;
        assert_eq!(yes(&house, &alert).await, Vec::<String>::new());
        house.pass(11).await;
        response::link(&house.app, &mail, "in_15", None).await.unwrap();
        house.settle().await;
        assert_eq!(yes(&house, &alert).await.len(), 1);
    }

    async fn a_message_that_waits_for_its_next_try_is_called_off_when_it_is_filled(house: House) {
        house.crowd(2).await;
        let wanted = Wanted { needed: 1, answer_within: None, ahead: Some(1) };
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        let alert = house.launch(LaunchRequest {
            call_out: Some(wanted), ..calling(1)
        }).await;
        house.settle().await;
        let [reached] = asked(&house).try_into().unwrap();
        says_and_settles(&house, &reached, "in_15").await;
        house.pass(120).await;
        assert_eq!(asked(&house).len(), 1);
        let people = house.people(&alert).await;
        let other = people.iter().find(|one| one.answered_at.is_none()).unwrap();
        let words = house.delivery_words(other, Channel::Sms).await;
        assert_eq!(words[0], "cancelled (filled)", "{words:?}");
    }

    async fn someone_of_whom_a_manager_says_that_they_come_counts_though_nobody_asked_them(house: House) {
        house.crowd(5).await;
        let alert = house.launch(calling(2)).await;
        house.settle().await;
        let people = house.people(&alert).await;
        let entered = |recipient| OnBehalf {
            recipient,
            answer: "in_15".to_owned(),
            via: Via::Manager,
            actor: muster::audit::Actor::user("manager"),
            note: None,
        };
        for person in &people[3..] {
            response::on_behalf(&house.app, entered(person.id)).await.unwrap();
        }
        house.settle().await;
        assert_eq!(yes(&house, &alert).await, [people[3].name.clone(), people[4].name.clone()]);
        assert_eq!(filled(&house), asked(&house).into_iter().collect());
        assert!(needed(&house).is_empty());
    }

    async fn a_reminder_goes_to_those_who_were_asked_and_not_once_it_is_filled(house: House) {
        house.crowd(6).await;
        let alert = house.launch(calling(2)).await;
        house.settle().await;
        let by = muster::audit::Actor::system;
        follow_up::remind(&house.app, alert.id, by()).await.unwrap();
        house.settle().await;
        assert_eq!(asked(&house).len(), 4);
        for number in &asked(&house)[..2] {
            says_and_settles(&house, number, "in_15").await;
        }
        let refused = follow_up::remind(&house.app, alert.id, by()).await;
        assert!(matches!(refused, Err(muster::alert::Refusal::Filled)));
    }

    async fn a_template_without_words_for_it_is_no_call_out(house: House) {
        house.crowd(2).await;
        let evacuation = LaunchRequest { call_out: calling(1).call_out, ..house.evacuation() };
        let refused = house.try_launch(evacuation).await.unwrap_err();
        assert_eq!(refused.field().as_deref(), Some("needed"));
        let none = house.try_launch(calling(0)).await.unwrap_err();
        assert_eq!(none.field().as_deref(), Some("needed"));
    }
}
