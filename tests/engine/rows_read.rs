//! What PostgreSQL reads for a big alert that its planner knows nothing of yet: a little for each
//! person, never the whole audience for each person. Counted, not timed.

use muster::ids::{AlertNumber, RecipientId};
use muster::plan::Whom;
use muster::storage::outbox::{self, Chunk};
use muster::storage::{Error, Tx, audience, call_off, standing};

use crate::house::{House, START};

/// People of the big alert.
const PEOPLE: i64 = 2_000;
/// Rows and index entries that may be read for each of them.
const EACH: i64 = 40;

type Written<'t> = futures::future::BoxFuture<'t, Result<(), Error>>;

/// An alert that came after the last look of the planner, which has seen an older one: of the new
/// one's number it expects nobody. Of the contact points it has seen nothing, as after an import.
async fn big_alert() -> (House, AlertNumber) {
    let house = House::on_postgres().await;
    house.crowd(1).await;
    let older = house.launch(house.evacuation()).await.number;
    let alert = house.launch(house.evacuation()).await.number;
    house.settle().await;
    write(&house, move |tx| {
        Box::pin(async move {
            for statement in [
                "ALTER TABLE contact_point SET (autovacuum_enabled = FALSE)",
                "ALTER TABLE recipient SET (autovacuum_enabled = FALSE)",
                "ALTER TABLE delivery SET (autovacuum_enabled = FALSE)",
            ] {
                tx.sql(statement).execute().await?;
            }
            add_contacts(tx).await?;
            add_people(tx, older).await?;
            tx.sql("ANALYZE recipient").execute().await?;
            tx.sql("ANALYZE delivery").execute().await?;
            add_people(tx, alert).await
        })
    })
    .await;
    (house, alert)
}

async fn write<F>(house: &House, work: F)
where
    F: for<'t> FnOnce(&'t mut Tx) -> Written<'t> + Send + 'static,
{
    let done: Result<(), Error> = house.app.db.write("test.write", work).await;
    done.unwrap();
}

/// Copies of the one contact and its contact points.
async fn add_contacts(tx: &mut Tx) -> Result<(), Error> {
    tx.sql_for(
        "SELECT 1",
        "INSERT INTO contact SELECT (jsonb_populate_record(contact, jsonb_build_object(
             'id', overlay(contact.id::text placing lpad(to_hex(n), 8, '0') from 1 for 8)))).*
         FROM contact CROSS JOIN generate_series(1, $1) AS n",
    )
    .bind(PEOPLE)
    .execute()
    .await?;
    tx.sql_for(
        "SELECT 1",
        "INSERT INTO contact_point SELECT (jsonb_populate_record(point, jsonb_build_object(
             'id', overlay(point.id::text placing lpad(to_hex(n), 8, '0') from 1 for 8),
             'contact_id', overlay(point.contact_id::text placing lpad(to_hex(n), 8, '0') from 1 for 8),
             'lookup', '\\x' || md5(point.kind || n)))).*
         FROM contact_point point CROSS JOIN generate_series(1, $1) AS n",
    )
    .bind(PEOPLE)
    .execute()
    .await?;
    Ok(())
}

/// Copies of an alert's one recipient and their deliveries.
async fn add_people(tx: &mut Tx, alert: AlertNumber) -> Result<(), Error> {
    tx.sql_for(
        "SELECT 1",
        "INSERT INTO recipient SELECT (jsonb_populate_record(recipient, jsonb_build_object(
             'id', recipient.id + n,
             'contact_id', overlay(contact_id::text placing lpad(to_hex(n), 8, '0') from 1 for 8)))).*
         FROM recipient CROSS JOIN generate_series(1, $1) AS n WHERE alert = $2",
    )
    .bind(PEOPLE)
    .bind(alert)
    .execute()
    .await?;
    tx.sql_for(
        "SELECT 1",
        "INSERT INTO delivery SELECT (jsonb_populate_record(delivery, jsonb_build_object(
             'id', delivery.id + 2 * n, 'recipient', delivery.recipient + n,
             'gateway_id', delivery.gateway_id || '-' || n))).*
         FROM delivery CROSS JOIN generate_series(1, $1) AS n WHERE alert = $2",
    )
    .bind(PEOPLE)
    .bind(alert)
    .execute()
    .await?;
    Ok(())
}

/// Rows and index entries that one piece of work reads.
async fn read_by<F>(house: &House, work: F) -> i64
where
    F: for<'t> FnOnce(&'t mut Tx) -> Written<'t> + Send + 'static,
{
    let before = read_so_far(house).await;
    let done: Result<(), Error> = house
        .app
        .db
        .write("test.count", move |tx| {
            Box::pin(async move {
                work(tx).await?;
                tx.sql_for(
                    "SELECT 1",
                    "SELECT 1 FROM (SELECT pg_stat_force_next_flush()) AS flushed",
                )
                .execute()
                .await?;
                Ok(())
            })
        })
        .await;
    done.unwrap();
    read_so_far(house).await - before
}

async fn read_so_far(house: &House) -> i64 {
    let (rows,): (i64,) = house
        .app
        .db
        .sql_for(
            "SELECT 0",
            "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::bigint
              + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::bigint",
        )
        .fetch_one()
        .await
        .unwrap();
    rows
}

#[track_caller]
fn assert_few(read: i64) {
    assert!(
        (PEOPLE..PEOPLE * EACH).contains(&read),
        "{read} rows for {PEOPLE} people"
    );
}

#[tokio::test]
async fn a_board_reads_a_few_rows_for_each_person() {
    let (house, alert) = big_alert().await;
    let read = read_by(&house, move |tx| {
        Box::pin(async move {
            let counted = standing::count(tx, alert).await?;
            assert_eq!(
                counted.iter().map(|(_, people)| people).sum::<i64>(),
                PEOPLE + 1
            );
            Ok(())
        })
    })
    .await;
    assert_few(read);
}

#[tokio::test]
async fn the_curves_of_a_report_read_a_few_rows_for_each_person() {
    let (house, alert) = big_alert().await;
    let read = read_by(&house, move |tx| {
        Box::pin(async move { standing::list_times(tx, alert).await.map(|_| ()) })
    })
    .await;
    assert_few(read);
}

#[tokio::test]
async fn who_was_contacted_is_found_by_a_few_rows_for_each_person() {
    let (house, alert) = big_alert().await;
    let read = read_by(&house, move |tx| {
        Box::pin(async move {
            let contacted = audience::list_contacted(tx, alert, false).await?;
            assert_eq!(i64::try_from(contacted.len()).unwrap(), PEOPLE + 1);
            Ok(())
        })
    })
    .await;
    assert_few(read);
}

#[tokio::test]
async fn an_answer_reads_a_few_rows_however_much_waits() {
    const ANSWERS: i64 = 100;
    let (house, alert) = big_alert().await;
    // Of which the planner knows nothing.
    write(&house, |tx| {
        Box::pin(async move {
            tx.sql("UPDATE delivery SET state = 'queued'")
                .execute()
                .await?;
            Ok(())
        })
    })
    .await;
    let read = read_by(&house, move |tx| {
        Box::pin(async move {
            let people: Vec<_> = (1..=ANSWERS)
                .map(|n| RecipientId(alert.base() + n))
                .collect();
            call_off::answered(tx, &people, START).await
        })
    })
    .await;
    assert!(
        (ANSWERS..ANSWERS * EACH).contains(&read),
        "{read} rows for {ANSWERS} answers"
    );
}

#[tokio::test]
async fn a_step_is_written_with_a_few_rows_read_for_each_person() {
    let (house, number) = big_alert().await;
    let alert = house.alert(number).await;
    let chunk = Chunk {
        alert: number,
        step: 1,
        channel: muster::channel::Channel::Sms,
        wave: None,
        says: muster::call_out::Says::Message,
        whom: Whom::Silent,
        after: number.base(),
        through: number.base() + PEOPLE + 1,
        last_id: number.base() + 10 * PEOPLE,
        mode: alert.mode,
        severity: alert.severity,
        purpose: alert.purpose,
        due_at: alert.hold_until,
        expires_at: alert.expires_at,
        now: alert.launched_at,
    };
    let read = read_by(&house, move |tx| {
        Box::pin(async move {
            assert_eq!(
                outbox::write_chunk(tx, &chunk).await?,
                u64::try_from(PEOPLE).unwrap() + 1
            );
            Ok(())
        })
    })
    .await;
    assert_few(read);
}
