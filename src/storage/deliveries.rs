//! Deliveries on their way out: what each state means, and how a gateway's lane claims them.

use super::db::Statement;
use super::{Conn, Db, Error, Tx};
use crate::alert::words::{Language, Mode, word_enum};
use crate::call_out::Says;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, BootId, ContactId, ContactPointId, DeliveryId};

word_enum! {
    /// How one message to one person on one contact point stands.
    DeliveryState {
        /// It will be sent when its time comes and a slot is free. No byte of it is on the wire.
        Queued = "queued",
        /// The intent is on disk; bytes may be on the wire.
        Sending = "sending",
        /// The gateway took it. The phone may be off: nobody need have seen it.
        Accepted = "accepted",
        /// It left towards the carrier or the person's mail server.
        Sent = "sent",
        /// It arrived on the phone or in the mailbox. Not proof that anyone read it.
        Delivered = "delivered",
        /// The process or the network died after bytes may have left: nobody knows.
        InDoubt = "in_doubt",
        /// It will not arrive, and the reason is known.
        Failed = "failed",
        /// Its time was over before it could be sent.
        Expired = "expired",
        /// It became needless before it was sent: the person answered, or the alert was stopped.
        Cancelled = "cancelled",
        /// It was never to be sent: opted out, no address, or the same phone as someone else's.
        Excluded = "excluded",
    }
}

/// What a sender needs to hand a delivery over.
#[derive(Debug, sqlx::FromRow)]
pub struct Claimed {
    /// Which.
    pub id: DeliveryId,
    /// Of which alert.
    pub alert: AlertNumber,
    /// To whom.
    pub contact_id: ContactId,
    /// Their name, for the greeting.
    pub name: String,
    /// Their own fields, sealed for `contact_id`.
    pub fields: Option<Vec<u8>>,
    /// The language they read.
    pub language: Language,
    /// Which of the alert's texts it is.
    pub says: Says,
    /// Live or drill.
    pub mode: Mode,
    /// The contact point, which the address is sealed for.
    pub point_id: ContactPointId,
    /// The address, sealed.
    pub address: Vec<u8>,
    /// The smaller goes first.
    pub urgency: i32,
    /// Which try this is, from 1.
    pub attempts: i32,
    /// Not to be sent after.
    pub expires_at: Timestamp,
    /// When the first try was due: retries give up by it.
    pub queued_at: Timestamp,
    /// It has its turn at a place with a rate, and must begin soon.
    #[sqlx(skip)]
    pub is_paced: bool,
}

/// What a gateway may take up of one mode's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct May {
    /// Those that nobody tried yet: no gateway that comes before it works.
    pub fresh: bool,
    /// Those that it failed at itself: no other gateway could try them.
    pub own: bool,
}

/// Which part of what nobody tried yet is one gateway's, where several share it by weight: the ids
/// whose remainder by `of` is at least `from` and below `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The first remainder that is its own.
    pub from: i64,
    /// The first behind that is not.
    pub to: i64,
    /// The weights of all of them together.
    pub of: i64,
}

impl Share {
    /// All of it.
    pub const ALL: Self = Self {
        from: 0,
        to: 1,
        of: 1,
    };
}

/// What a message has waited for the gateway whose part it is, another one may take.
const SHARED_AFTER: std::time::Duration = std::time::Duration::from_secs(2);

/// What was tried and is due is left to those whose gateway works for so long: they look each second.
const LEFT_TO_OTHERS: std::time::Duration = std::time::Duration::from_secs(2);

/// Urgencies below this are life-safety (extreme and severe).
pub const ROUTINE: i32 = 20;

/// What a lane asks for. Whatever another gateway failed at it may always take up.
#[derive(Clone, Debug)]
pub struct Want {
    /// Which gateway will send them.
    pub gateway: String,
    /// Its channel.
    pub channel: Channel,
    /// Of live messages.
    pub actual: May,
    /// Of drills; none if it is not marked for them.
    pub exercise: Option<May>,
    /// Which part of what nobody tried yet.
    pub share: Share,
    /// How many at most: the lane's free slots and its rate's permits.
    pub limit: i64,
    /// How many of them may be other than life-safety.
    pub routine: i64,
    /// It does not work at present, and asks for one message to find out whether it does again.
    pub is_probe: bool,
    /// Who is sending.
    pub boot: BootId,
    /// Now.
    pub now: Timestamp,
}

impl Want {
    /// Whether it helps out only: then it need not look through what nobody tried yet.
    fn is_help_only(&self) -> bool {
        !self.actual.fresh && !self.exercise.unwrap_or_default().fresh
    }

    /// Until when a message that was tried must have been due. A server whose gateway fails finds out
    /// whether it works again with a new message, or with one that no other server took: else the same
    /// message could go from failure to failure here while the others have nothing to do.
    fn due_by(&self) -> Timestamp {
        if self.is_probe {
            self.now.before(LEFT_TO_OTHERS)
        } else {
            self.now
        }
    }

    /// What is less urgent is not looked at.
    fn below(&self) -> i32 {
        if self.routine > 0 { i32::MAX } else { ROUTINE }
    }

    /// Binds what [`due`] asks for.
    fn bind<'s>(&self, statement: Statement<'s>) -> Statement<'s> {
        let exercise = self.exercise.unwrap_or_default();
        statement
            .bind(&self.gateway)
            .bind(self.channel)
            .bind(self.now)
            .bind(self.actual.fresh)
            .bind(self.actual.own)
            .bind(exercise.fresh)
            .bind(exercise.own)
            .bind(self.exercise.is_some())
            .bind(self.below())
            .bind(self.share.from)
            .bind(self.share.to)
            .bind(self.share.of)
            .bind(self.now.before(SHARED_AFTER))
            .bind(self.due_by())
    }
}

/// What a gateway may take up now: `$1` to `$14` as [`Want::bind`] binds them. `$and` lets the
/// planner see that the index of what was tried before is enough.
macro_rules! due {
    ($and:literal) => {
        concat!(
            "FROM delivery
             WHERE state = 'queued' ",
            $and,
            " AND channel = $2 AND urgency < $9 AND due_at <= $3 AND (attempts = 0 OR due_at <= $14)
               AND expires_at > $3
               AND (attempts > 0 OR due_at < $13 OR (id % $12 >= $10 AND id % $12 < $11))
               AND CASE WHEN mode = 'actual' THEN
                       CASE WHEN attempts = 0 THEN $4 WHEN held_by IS NOT NULL THEN held_by = $1
                            WHEN gateway <> $1 THEN TRUE ELSE $5 END
                   ELSE $8 AND
                       CASE WHEN attempts = 0 THEN $6 WHEN held_by IS NOT NULL THEN held_by = $1
                            WHEN gateway <> $1 THEN TRUE ELSE $7 END
                   END"
        )
    };
}

/// Claims for SQLite: `$15` is the limit, `$16` the boot.
macro_rules! claim_sqlite {
    ($and:literal) => {
        concat!(
            "UPDATE delivery SET state = 'sending', boot = $16, gateway = $1, gateway_marked = $8,
                 sending_at = $3, attempts = attempts + 1, reason = NULL
             WHERE id IN (SELECT id ", due!($and), " ORDER BY urgency, due_at, id LIMIT $15)
             RETURNING id, alert, language, says, mode, point_id, address, urgency, attempts,
                 expires_at, queued_at,
                 (SELECT contact_id FROM recipient WHERE recipient.id = delivery.recipient) AS contact_id,
                 (SELECT name FROM recipient WHERE recipient.id = delivery.recipient) AS name,
                 (SELECT fields FROM recipient WHERE recipient.id = delivery.recipient) AS fields"
        )
    };
}

/// Claims for PostgreSQL, where other servers may be claiming too.
macro_rules! claim_postgres {
    ($and:literal) => {
        concat!(
            "WITH due AS (SELECT id ", due!($and), "
                 ORDER BY urgency, due_at, id LIMIT $15 FOR UPDATE SKIP LOCKED)
             UPDATE delivery SET state = 'sending', boot = $16, gateway = $1, gateway_marked = $8,
                 sending_at = $3, attempts = delivery.attempts + 1, reason = NULL
             FROM due, recipient WHERE delivery.id = due.id AND recipient.id = delivery.recipient
             RETURNING delivery.id, delivery.alert, delivery.language, delivery.says, delivery.mode,
                 delivery.point_id, delivery.address, delivery.urgency, delivery.attempts,
                 delivery.expires_at, delivery.queued_at, recipient.contact_id, recipient.name, recipient.fields"
        )
    };
}

/// Claims what is due, most urgent first: from here on its bytes may be on the wire.
///
/// What one gateway failed at goes to another one first, however few the failures are: a breaker
/// opens only for many, and a message to a single person must not wait for it.
pub async fn claim(tx: &mut Tx, want: &Want) -> Result<Vec<Claimed>, Error> {
    if want.routine <= 0 || want.routine >= want.limit {
        return claim_some(tx, want).await;
    }
    let urgent = Want {
        routine: 0,
        ..want.clone()
    };
    let mut claimed = claim_some(tx, &urgent).await?;
    let left = want.limit - i64::try_from(claimed.len()).unwrap_or(i64::MAX);
    if left > 0 {
        let limit = left.min(want.routine);
        let rest = Want {
            limit,
            ..want.clone()
        };
        claimed.extend(claim_some(tx, &rest).await?);
    }
    Ok(claimed)
}

async fn claim_some(tx: &mut Tx, want: &Want) -> Result<Vec<Claimed>, Error> {
    let statement = if want.is_help_only() {
        tx.sql_for(
            claim_sqlite!("AND attempts > 0"),
            claim_postgres!("AND attempts > 0"),
        )
    } else {
        tx.sql_for(claim_sqlite!(""), claim_postgres!(""))
    };
    want.bind(statement)
        .bind(want.limit)
        .bind(want.boot)
        .fetch_all()
        .await
}

/// Whether a claim of this kind would find anything, without taking the write lock to ask.
pub async fn is_any_due(on: impl Conn<'_>, want: &Want) -> Result<bool, Error> {
    let statement = if want.is_help_only() {
        on.sql(concat!(
            "SELECT EXISTS (SELECT 1 ",
            due!("AND attempts > 0"),
            ")"
        ))
    } else {
        on.sql(concat!("SELECT EXISTS (SELECT 1 ", due!(""), ")"))
    };
    let (found,): (bool,) = want.bind(statement).fetch_one().await?;
    Ok(found)
}

macro_rules! give_back {
    ($back:literal) => {
        concat!(
            "UPDATE delivery SET state = 'queued', due_at = back.due_at,
                 attempts = delivery.attempts - 1,
                 gateway = (SELECT earlier.gateway FROM attempt earlier
                            WHERE earlier.delivery = delivery.id
                              AND earlier.number = delivery.attempts - 1),
                 sending_at = CASE WHEN delivery.attempts > 1 THEN delivery.sending_at END
             FROM (",
            $back,
            ") AS back
             WHERE delivery.id = back.id AND delivery.state = 'sending' AND delivery.boot = $2"
        )
    };
}

/// Gives back what this very transaction has claimed, each due at its time: nobody ever saw it claimed,
/// so nothing has to be locked or decided. A stop that waits for one of these rows finds it waiting.
pub async fn give_back(
    tx: &mut Tx,
    boot: BootId,
    back: &[(DeliveryId, Timestamp)],
) -> Result<u64, Error> {
    tx.sql_for(
        give_back!("SELECT value ->> 0 AS id, value ->> 1 AS due_at FROM json_each($1)"),
        give_back!(
            "SELECT (value ->> 0)::bigint AS id, (value ->> 1)::bigint AS due_at
             FROM jsonb_array_elements($1) AS given (value)"
        ),
    )
    .bind(sqlx::types::Json(back))
    .bind(boot)
    .execute()
    .await
}

/// What stands as being sent by this boot through this gateway, and which try of each it is.
pub async fn list_sending(
    on: impl Conn<'_>,
    boot: BootId,
    gateway: &str,
) -> Result<Vec<(DeliveryId, i32)>, Error> {
    on.sql(
        "SELECT id, attempts FROM delivery WHERE state = 'sending' AND boot = $1 AND gateway = $2",
    )
    .bind(boot)
    .bind(gateway)
    .fetch_all()
    .await
}

/// How many messages are waiting on each channel, and since when the oldest is due.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Backlog {
    /// The channel.
    pub channel: Channel,
    /// Messages that could be sent now.
    pub waiting: i64,
    /// When the oldest of them was due.
    pub oldest: Option<Timestamp>,
}

/// What is due and not sent. On the `quiet` channels only life-safety is: the rest is to wait.
pub async fn backlog(db: &Db, now: Timestamp, quiet: &[Channel]) -> Result<Vec<Backlog>, Error> {
    db.sql_for(
        "SELECT channel, count(*) AS waiting, min(due_at) AS oldest FROM delivery
         WHERE state = 'queued' AND due_at <= $1
           AND (urgency < $3 OR channel NOT IN (SELECT value FROM json_each($2)))
         GROUP BY channel",
        "SELECT channel, count(*) AS waiting, min(due_at) AS oldest FROM delivery
         WHERE state = 'queued' AND due_at <= $1
           AND (urgency < $3 OR channel NOT IN (SELECT jsonb_array_elements_text($2)))
         GROUP BY channel",
    )
    .bind(now)
    .bind(sqlx::types::Json(quiet))
    .bind(ROUTINE)
    .fetch_all()
    .await
}

/// The names of the people that these messages are for; unknown messages are left out.
pub async fn names(
    on: impl Conn<'_>,
    deliveries: &[DeliveryId],
) -> Result<Vec<(DeliveryId, String)>, Error> {
    on.sql_for(
        "SELECT delivery.id, recipient.name FROM delivery
         JOIN recipient ON recipient.id = delivery.recipient
         WHERE delivery.id IN (SELECT value FROM json_each($1))",
        "SELECT delivery.id, recipient.name FROM delivery
         JOIN recipient ON recipient.id = delivery.recipient
         WHERE delivery.id IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))",
    )
    .bind(sqlx::types::Json(deliveries))
    .fetch_all()
    .await
}
