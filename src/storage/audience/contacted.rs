//! The people whom a thread has told, or may have: the audience of what follows it.

use crate::ids::{AlertNumber, ContactId};
use crate::storage::{Conn, Error, Tx};

/// Whether a delivery told someone, or may have; with `$2`, whether it is about to. A message that
/// every gateway refused for certain told nobody.
macro_rules! told {
    () => {
        "delivery.accepted_at IS NOT NULL OR delivery.possible_duplicate
         OR delivery.state IN ('sending', 'accepted', 'sent', 'delivered', 'in_doubt')
         OR ($2 AND delivery.state = 'queued')
         OR EXISTS (SELECT 1 FROM attempt
                    WHERE attempt.delivery = delivery.id AND attempt.outcome = 'unknown')"
    };
}

/// The recipients of thread `$1` who know of it, or may: told by a message of their own or on a
/// phone that they share, told by a person, or heard from.
macro_rules! contacted {
    () => {
        concat!(
            "FROM recipient JOIN alert ON alert.number = recipient.alert
             WHERE alert.thread = $1 AND (
                 recipient.answered_at IS NOT NULL
                 OR EXISTS (SELECT 1 FROM call_task WHERE call_task.recipient = recipient.id
                            AND call_task.outcome IN ('spoke', 'voicemail'))
                 OR EXISTS (
                     SELECT 1 FROM delivery own
                     WHERE own.alert = recipient.alert AND own.recipient = recipient.id
                       AND CASE WHEN own.same_as IS NULL
                           THEN (SELECT ", told!(), " FROM delivery WHERE delivery.id = own.id)
                           ELSE (SELECT ", told!(), " FROM delivery WHERE delivery.alert = own.alert
                                 AND delivery.recipient = own.same_as AND delivery.step = own.step
                                 AND delivery.channel = own.channel) END))"
        )
    };
}

/// Freezes everyone whom any alert of the thread contacted, or may have, each once. With
/// `and_waiting`, also those to whom it is about to speak.
pub async fn freeze_contacted(
    tx: &mut Tx,
    alert: AlertNumber,
    thread: AlertNumber,
    and_waiting: bool,
) -> Result<u64, Error> {
    tx.sql(concat!(
        "INSERT INTO recipient (id, alert, contact_id, name, category, language, role, site, unit, fields)
         SELECT $3 + row_number() OVER (ORDER BY told.id), $4, told.contact_id, told.name,
                told.category, told.language, told.role, told.site, told.unit, told.fields
         FROM recipient told
         WHERE told.id IN (SELECT min(recipient.id) ", contacted!(), " GROUP BY recipient.contact_id)"
    ))
    .bind(thread)
    .bind(and_waiting)
    .bind(alert.base())
    .bind(alert)
    .execute()
    .await
}

/// The people whom [`freeze_contacted`] would take, without freezing anything.
pub async fn list_contacted(
    on: impl Conn<'_>,
    thread: AlertNumber,
    and_waiting: bool,
) -> Result<Vec<(ContactId,)>, Error> {
    on.sql(concat!(
        "SELECT DISTINCT recipient.contact_id ",
        contacted!()
    ))
    .bind(thread)
    .bind(and_waiting)
    .fetch_all()
    .await
}

/// Whether the thread has told anybody, or may have.
pub async fn is_any_contacted(on: impl Conn<'_>, thread: AlertNumber) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(concat!("SELECT EXISTS (SELECT 1 ", contacted!(), ")"))
        .bind(thread)
        .bind(false)
        .fetch_one()
        .await?;
    Ok(found)
}
