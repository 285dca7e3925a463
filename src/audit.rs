//! Writes down who did what, in a chain that shows when someone changes it afterwards.
//!
//! Every act of a person or a script is one entry, appended in the transaction of the act itself:
//! no act without its entry, no entry without its act. Each entry's hash covers the one before it.
//! Entries hold ids, counts and hashes, never a name, a number or a message, so that erasing a
//! person does not break the chain.

pub mod check;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::fail_point::fail_point;
use crate::storage::{self, Db, Error, Tx};

/// Who does something: shown in reports and kept in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor(String);

impl Actor {
    /// Someone who signed in.
    pub fn user(login: &str) -> Self {
        Self(format!("user {login}"))
    }

    /// A script with a token.
    pub fn token(name: &str) -> Self {
        Self(format!("token {name}"))
    }

    /// A person at the server's own command line.
    pub fn command_line() -> Self {
        Self("command line".to_owned())
    }

    /// A caller of a call list, who has a link and no account.
    pub fn caller(name: &str) -> Self {
        Self(format!("caller {name}"))
    }

    /// The program by itself.
    pub fn system() -> Self {
        Self("system".to_owned())
    }

    /// The words as they are kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads back what [`Actor::as_str`] gave.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry of the chain.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// Its place, from 1, without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: `alert.launch`, `template.approve`.
    pub action: String,
    /// To what: an alert's number, a template's name, an id.
    pub subject: String,
    /// Ids, counts and hashes as JSON.
    pub detail: String,
    /// SHA-256 over the previous entry's hash and all of the above.
    pub hash: Vec<u8>,
}

impl Entry {
    /// The hash that this entry must have behind an entry with hash `previous`.
    pub fn expected_hash(&self, previous: &[u8]) -> Vec<u8> {
        let mut hasher = Sha256::new();
        let number = self.number.to_be_bytes();
        let at = self.at.0.to_be_bytes();
        let parts: [&[u8]; 7] = [
            previous,
            &number,
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
            self.detail.as_bytes(),
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }
}

/// Appends one entry, inside the transaction of the act: it takes the lock on the end of the chain,
/// behind which all acts queue up in one order. An act that locks other rows which are there already
/// calls it, or [`begin`], before that; a launch, whose rows are all new, does not keep the others
/// waiting and calls it last.
pub async fn append(
    tx: &mut Tx,
    at: Timestamp,
    actor: &Actor,
    action: &str,
    subject: &str,
    detail: &impl Serialize,
) -> Result<(), Error> {
    let (length, previous) = storage::audit::lock_head(tx).await?;
    let mut entry = Entry {
        number: length,
        at,
        actor: actor.as_str().to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: serde_json::to_string(detail)
            .map_err(|_| Error::Broken("an audit detail is no JSON"))?,
        hash: Vec::new(),
    };
    entry.hash = entry.expected_hash(&previous);
    storage::audit::insert(tx, &entry).await?;
    fail_point!("audit.before_commit");
    Ok(())
}

/// Takes the lock on the end of the chain for an act whose entry can only be written at its end,
/// because it counts what it did. Only the next alert's number is taken before it, so that nobody
/// waits in a circle.
pub async fn begin(tx: &mut Tx) -> Result<(), Error> {
    storage::audit::hold_head(tx).await
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Entries read.
    pub entries: i64,
    /// What is wrong, in words; nothing if the chain is whole.
    pub problems: Vec<String>,
}

/// Reads the chain up to the end that it has now, and says where it was changed, cut or restarted.
/// What is appended meanwhile is left for the next time.
pub async fn verify(db: &Db) -> Result<Verdict, Error> {
    let (length, head) = storage::audit::head(db).await?;
    let mut previous = Vec::new();
    let mut number = 0;
    let mut problems = Vec::new();
    while number < length {
        let mut entries = storage::audit::list_after(db, number, 1000).await?;
        entries.retain(|entry| entry.number <= length);
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            if entry.number != number + 1 {
                problems.push(format!(
                    "entries {} to {} are missing",
                    number + 1,
                    entry.number - 1
                ));
            }
            if entry.hash != entry.expected_hash(&previous) {
                problems.push(format!(
                    "entry {} was changed, or one before it was",
                    entry.number
                ));
            }
            number = entry.number;
            previous = entry.hash;
        }
    }
    if number != length || previous != head {
        problems.push(format!(
            "the chain has {length} entries by its head and {number} by its rows"
        ));
    }
    Ok(Verdict {
        entries: number,
        problems,
    })
}
