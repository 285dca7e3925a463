//! F22: names that are made to break something.

use muster::channel::Channel;
use muster::directory::contact::{self, PointKind};
use muster::directory::{apply, import, table};
use muster::storage::standing::PersonState;
use muster::storage::{Error, Tx};

use crate::house::{House, mobile};
use crate::on_both;

/// Names that someone may have typed, pasted or imported.
const POISON: [&str; 6] = [
    "Ana\r\nBcc: everyone@clinic.example",
    "Ben\0Diaz",
    "Cleo \u{202e}reggE",
    "Dr. 👩\u{200d}⚕\u{fe0f} Ñandú",
    "{{link}} {{#if x}}",
    "<script>alert(1)</script>\"'&",
];

/// What no message may have in it, whoever it goes to.
fn is_clean(text: &str) -> bool {
    !text
        .chars()
        .any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

/// Puts a name past every check, as a defect or an older version might have.
async fn rename(house: &House, from: &'static str, to: &'static str) {
    let done: Result<u64, Error> = house
        .app
        .db
        .write("test.rename", move |tx: &mut Tx| {
            Box::pin(async move {
                tx.sql("UPDATE contact SET name = $2 WHERE name = $1")
                    .bind(from)
                    .bind(to)
                    .execute()
                    .await
            })
        })
        .await;
    assert_eq!(done.unwrap(), 1);
}

/// A template that says each person's name, so that a bad one is on every channel.
async fn launch(house: &House) -> muster::storage::alerts::Alert {
    house.launch(house.evacuation()).await
}

on_both! {
    async fn f22_a_name_with_line_breaks_or_hidden_signs_is_made_one_plain_line_when_it_is_saved(house: House) {
        for (number, name) in (0..).zip(POISON) {
            house.person(name, &[(PointKind::Mobile, &mobile(number))]).await;
        }
        let everyone = contact::everyone(&house.app.db, &house.app.keys).await.unwrap();
        assert_eq!(everyone.len(), POISON.len());
        for saved in everyone {
            assert!(is_clean(&saved.name) && !saved.name.contains('\n'), "{:?}", saved.name);
        }
    }

    async fn f22_a_row_with_a_name_of_ten_kilobytes_is_refused_and_the_other_rows_are_kept(house: House) {
        let organisation = &house.app.config.organisation;
        let long = "x".repeat(10_000);
        let table = format!("name,mobile\nAna Cruz,+41791000001\n{long},+41791000002\n\"Ben\u{202e}\nDiaz\",+41791000003\n");
        let read = table::read(table.as_bytes()).unwrap();
        let parsed = import::parse(&read, &organisation.region, &organisation.language()).unwrap();
        let by = muster::audit::Actor::system();
        let now = house.app.clock.now();
        let (db, keys) = (&house.app.db, &house.app.keys);
        apply::apply_import(db, keys, parsed, apply::Absent::Stay, "hash", now, &by).await.unwrap();
        let mut names: Vec<String> = contact::everyone(db, keys).await.unwrap()
            .into_iter().map(|one| one.name).collect();
        names.sort();
        assert_eq!(names, ["Ana Cruz", "Ben Diaz"]);
    }

    async fn f22_a_poisoned_name_in_the_database_reaches_no_message_and_stops_nobody_elses(house: House) {
        house.crowd(10).await;
        rename(&house, "Person 00003", "Eve\r\nBcc: all@clinic.example \u{202e}").await;
        let alert = launch(&house).await;
        house.settle().await;
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 10)].into());
        for message in house.sms.taken().iter().chain(&house.email.taken()) {
            assert!(is_clean(&message.text), "{:?}", message.text);
            let subject = message.subject.as_deref().unwrap_or_default();
            assert!(is_clean(subject) && !subject.contains('\n'), "{subject:?}");
        }
    }

    async fn f22_a_message_that_makes_a_gateway_panic_fails_alone(house: House) {
        house.crowd(20).await;
        house.sms.break_on(&mobile(3));
        let alert = launch(&house).await;
        house.settle().await;
        house.pass(600).await;
        let counts = house.counts(&alert).await;
        assert_eq!(counts.values().sum::<i64>(), 20);
        assert_eq!(counts.get(&PersonState::Accepted), Some(&20), "each has the e-mail: {counts:?}");
        let mut texts = 0;
        for person in house.people(&alert).await {
            let words = house.delivery_words(&person, Channel::Sms).await;
            texts += usize::from(words == ["accepted"]);
        }
        assert_eq!(texts, 19, "all but the one that it broke on");
        assert_eq!(house.sms.taken().len(), 19, "each once, and that one never");
    }
}
