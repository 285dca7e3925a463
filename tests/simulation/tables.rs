//! The tables as they stand, read for the reference.

use std::collections::BTreeMap;

use muster::alert::words::AlertState;
use muster::channel::Channel;
use muster::clock::Timestamp;
use muster::ids::{AlertId, AlertNumber, BootId, DeliveryId, RecipientId, ResponseId};
use muster::storage::deliveries::DeliveryState;
use muster::storage::responses::Via;
use muster::storage::{Db, Error};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::gateway::Try;

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    pub id: DeliveryId,
    pub alert: AlertNumber,
    pub recipient: RecipientId,
    pub channel: Channel,
    pub urgency: i32,
    pub same_as: Option<RecipientId>,
    pub state: DeliveryState,
    pub reason: Option<String>,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
    pub attempts: i32,
    pub possible_duplicate: bool,
    pub gateway: Option<String>,
    pub boot: Option<BootId>,
    pub sending_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

impl Row {
    /// Its last try.
    pub fn last_try(&self) -> Try {
        (self.id, u32::try_from(self.attempts).unwrap_or_default())
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertRow {
    pub number: AlertNumber,
    pub id: AlertId,
    pub kind: String,
    pub template: String,
    pub state: AlertState,
    pub expires_at: Timestamp,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AnswerRow {
    pub id: ResponseId,
    pub recipient: RecipientId,
    pub via: Via,
    pub at: Timestamp,
    pub maybe_automatic: bool,
}

/// Everything that is judged.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub rows: BTreeMap<DeliveryId, Row>,
    pub alerts: BTreeMap<AlertNumber, AlertRow>,
    pub answers: BTreeMap<ResponseId, AnswerRow>,
    /// When each person first answered.
    pub people: BTreeMap<RecipientId, Option<Timestamp>>,
    /// Until when each boot is alive.
    pub leases: BTreeMap<BootId, Timestamp>,
}

impl Tables {
    /// As they are now. One statement, each table as one text: this is read after every transaction,
    /// and waiting for rows from another thread is what a simulation spends its time on.
    pub async fn read(db: &Db) -> Result<Self, Error> {
        let (rows, alerts, answers, people, leases): (String, String, String, String, String) = db
            .sql(
                "SELECT
                     (SELECT json_group_array(json_object('id', id, 'alert', alert,
                          'recipient', recipient, 'channel', channel, 'urgency', urgency,
                          'same_as', same_as, 'state', state, 'reason', reason, 'due_at', due_at,
                          'expires_at', expires_at, 'attempts', attempts, 'possible_duplicate',
                          json(CASE WHEN possible_duplicate THEN 'true' ELSE 'false' END),
                          'gateway', gateway, 'boot', boot, 'sending_at', sending_at,
                          'closed_at', closed_at)) FROM delivery),
                     (SELECT json_group_array(json_object('number', number, 'id', hex(id),
                          'kind', kind, 'template', template, 'state', state,
                          'expires_at', expires_at)) FROM alert),
                     (SELECT json_group_array(json_object('id', hex(id), 'recipient', recipient,
                          'via', via, 'at', at, 'maybe_automatic',
                          json(CASE WHEN maybe_automatic THEN 'true' ELSE 'false' END)))
                      FROM response),
                     (SELECT json_group_array(json_array(id, answered_at)) FROM recipient),
                     (SELECT json_group_array(json_array(id, lease_until)) FROM boot)",
            )
            .fetch_one()
            .await?;
        let rows: Vec<Row> = list(&rows);
        let alerts: Vec<AlertRow> = list(&alerts);
        let answers: Vec<AnswerRow> = list(&answers);
        Ok(Self {
            rows: rows.into_iter().map(|row| (row.id, row)).collect(),
            alerts: alerts.into_iter().map(|one| (one.number, one)).collect(),
            answers: answers.into_iter().map(|one| (one.id, one)).collect(),
            people: list(&people).into_iter().collect(),
            leases: list(&leases).into_iter().collect(),
        })
    }

    /// Until when each boot is alive, as it stands now.
    pub async fn read_leases(db: &Db) -> Result<BTreeMap<BootId, Timestamp>, Error> {
        let leases: Vec<(BootId, Timestamp)> = db
            .sql("SELECT id, lease_until FROM boot")
            .fetch_all()
            .await?;
        Ok(leases.into_iter().collect())
    }

    /// What is on the wire, as far as the database knows.
    pub fn sending(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .values()
            .filter(|row| row.state == DeliveryState::Sending)
    }
}

fn list<T: DeserializeOwned>(json: &str) -> Vec<T> {
    serde_json::from_str(json).unwrap()
}
