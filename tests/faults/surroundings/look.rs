//! P10: the service looks at itself every minute, however much there is to look at.

use std::time::{Duration, Instant};

use muster::audit::check;
use muster::operate::metrics;
use muster::storage::alerts::Alert;
use muster::storage::{Error, Tx};

use crate::on_both;

/// Doublings of one person with two messages: 131,072 people, 262,144 messages.
const DOUBLINGS: u32 = 17;

/// Makes the running alert twice as big, by copies of its people and messages.
async fn double(tx: &mut Tx, alert: &Alert, people: i64) -> Result<(), Error> {
    let number = alert.number;
    tx.sql("CREATE TEMPORARY TABLE twice AS SELECT * FROM recipient WHERE alert = $1")
        .bind(number)
        .execute()
        .await?;
    tx.sql_for(
        "UPDATE twice SET id = id + $1, contact_id = randomblob(16)",
        "UPDATE twice SET id = id + $1, contact_id = gen_random_uuid()",
    )
    .bind(people)
    .execute()
    .await?;
    tx.sql("INSERT INTO recipient SELECT * FROM twice")
        .execute()
        .await?;
    tx.sql("DROP TABLE twice").execute().await?;
    tx.sql("CREATE TEMPORARY TABLE twice AS SELECT * FROM delivery WHERE alert = $1")
        .bind(number)
        .execute()
        .await?;
    tx.sql("UPDATE twice SET id = id + $1 * 2, recipient = recipient + $1")
        .bind(people)
        .execute()
        .await?;
    tx.sql("INSERT INTO delivery SELECT * FROM twice")
        .execute()
        .await?;
    tx.sql("DROP TABLE twice").execute().await?;
    tx.sql("UPDATE alert SET recipients = recipients * 2, deliveries = deliveries * 2 WHERE number = $1")
        .bind(number)
        .execute()
        .await?;
    tx.sql(
        "UPDATE alert_step SET people = people * 2, deliveries = deliveries * 2 WHERE alert = $1",
    )
    .bind(number)
    .execute()
    .await?;
    Ok(())
}

on_both! {
    async fn p10_the_minutes_look_is_cheap_with_200_000_messages(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let copied = alert.clone();
        let done: Result<(), Error> = house.app.db.write("test.double", move |tx| {
            Box::pin(async move {
                for round in 0..DOUBLINGS {
                    double(tx, &copied, 1 << round).await?;
                }
                Ok(())
            })
        }).await;
        done.unwrap();
        assert_eq!(house.alert(alert.number).await.recipients, 1 << DOUBLINGS);
        let span = Duration::from_mins(15);
        let now = house.app.clock.now();
        let begun = Instant::now();
        let checked = check::recent(&house.app.db, now, span).await.unwrap();
        let running = begun.elapsed();
        assert_eq!(check::broken(&checked), [].into(), "{checked:?}");
        let sent = checked.iter().find(|one| one.name == "intent-before-sending").unwrap();
        assert_eq!(sent.rows, 2 << DOUBLINGS);
        let begun = Instant::now();
        let text = metrics::text(&house.app).await;
        let figures = begun.elapsed();
        assert!(text.contains("muster_database_up 1\n"), "{text}");

        // Once it is over for long, it costs nothing any more.
        house.pass(4 * 3600 + 1).await;
        let now = house.app.clock.now().after(Duration::from_mins(20));
        let begun = Instant::now();
        let checked = check::recent(&house.app.db, now, span).await.unwrap();
        let over = begun.elapsed();
        assert!(checked.iter().all(|one| one.rows == 0), "{checked:?}");
        println!("the look: {running:?} while it runs, {over:?} afterwards; the metrics: {figures:?}");
        // A minute has sixty seconds; a machine that runs the other tests beside needs room.
        assert!(running < Duration::from_secs(6), "{running:?}");
        assert!(over < Duration::from_millis(500), "{over:?}");
    }
}
