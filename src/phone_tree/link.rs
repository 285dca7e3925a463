//! A caller's way in without an account: one link for one part of one alert's call list.
//!
//! Only the hash of its token is kept, so a link is shown once, when it is made. It ends 72 hours
//! after the alert, and when another is made for the same caller.

use std::time::Duration;

use serde_json::json;

use crate::alert::words::AlertState;
use crate::app::App;
use crate::audit::{self, Actor};
use crate::ids::{AlertNumber, ContactId};
use crate::keys::{random_token, token_hash};
use crate::phone_tree::{Caller, NotDone};
use crate::storage::alerts::{self, Alert};
use crate::storage::calls::{self, CallLink, Whose};
use crate::storage::{Error, contacts};

/// How long after its alert a link still opens.
const VALID: Duration = Duration::from_hours(72);

/// Characters of a label.
const LONGEST_LABEL: usize = 60;

/// Whom a link is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum For {
    /// A caller of the call tree: the link shows the people whom the tree gave to them.
    Caller(ContactId),
    /// Anyone who helps, by the name they are known under: the link shows the people whom the tree
    /// gave to nobody.
    Helper(String),
}

/// What a link opens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The alert.
    pub alert: Alert,
    /// Who calls, and whom.
    pub caller: Caller,
    /// The name the link was made under.
    pub name: String,
}

/// Makes a link and answers its token: the only moment it exists. One that the same caller had
/// before opens nothing any more.
pub async fn make(
    app: &App,
    alert: AlertNumber,
    whom: For,
    actor: &Actor,
) -> Result<String, NotDone> {
    let now = app.clock.now();
    let (caller_id, label) = match whom {
        For::Caller(id) => (Some(id), name_of(app, id).await?),
        For::Helper(label) => (None, label),
    };
    let label = tidy(&label).ok_or(NotDone::Label)?;
    let link = CallLink {
        alert,
        caller_id,
        label,
        made_at: now,
    };
    let token = random_token();
    let hash = token_hash(&token);
    let actor = actor.clone();
    app.db
        .write("call_list.link", move |tx| {
            Box::pin(async move {
                let subject = format!("alert {alert}");
                let detail = json!({ "caller": link.caller_id });
                audit::append(tx, now, &actor, "call_list.link", &subject, &detail).await?;
                calls::replace_link(tx, &hash, &link).await
            })
        })
        .await?;
    Ok(token)
}

/// What a token opens; nothing if it is unknown, was replaced, or its alert is over for too long.
pub async fn open(app: &App, token: &str) -> Result<Option<Opened>, Error> {
    let Some(link) = calls::find_link(&app.db, &token_hash(token)).await? else {
        return Ok(None);
    };
    let alert = alerts::get(&app.db, link.alert).await?;
    let ends = alert.closed_at.map(|closed| closed.after(VALID));
    let is_open =
        alert.state == AlertState::Running || ends.is_none_or(|ends| app.clock.now() <= ends);
    if !is_open {
        return Ok(None);
    }
    let whose = link.caller_id.map_or(Whose::Anyone, Whose::Caller);
    let caller = Caller {
        actor: Actor::caller(&link.label),
        whose,
    };
    Ok(Some(Opened {
        alert,
        caller,
        name: link.label,
    }))
}

async fn name_of(app: &App, id: ContactId) -> Result<String, NotDone> {
    let row = contacts::find(&app.db, id)
        .await?
        .ok_or(NotDone::NotOnTheList)?;
    Ok(row.name.chars().take(LONGEST_LABEL).collect())
}

/// The label as one line; none if it is empty or too long.
fn tidy(label: &str) -> Option<String> {
    let plain: String = label
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (1..=LONGEST_LABEL)
        .contains(&line.chars().count())
        .then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_who_has_the_link() {
        assert_eq!(tidy(" Ana \n Ortiz "), Some("Ana Ortiz".to_owned()));
        assert_eq!(tidy(" \t "), None);
        assert_eq!(tidy(&"a".repeat(61)), None);
    }
}
