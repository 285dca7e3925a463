//! Phone trees: who calls whom, when people take over from the machines.

use std::collections::{HashMap, HashSet};

use futures::FutureExt;
use serde_json::json;

use super::{Complaint, Error, refuse_strangers, refused, tidy};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{CallTreeId, ContactId};
use crate::keys::hex;
use crate::storage::Db;
use crate::storage::call_trees::{self, BranchSave, CallTreeRow};

/// A tree with its branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTree {
    /// The key.
    pub id: CallTreeId,
    /// What people call it.
    pub name: String,
    /// Who calls whom, in the order of calling; each caller once.
    pub branches: Vec<Branch>,
}

/// One caller with the people to call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Branch {
    /// Who calls.
    pub caller: ContactId,
    /// Who is called, in this order.
    pub people: Vec<ContactId>,
}

impl CallTree {
    /// Those who call and whom nobody calls: where the tree begins.
    pub fn roots(&self) -> Vec<ContactId> {
        let called: HashSet<ContactId> = self
            .branches
            .iter()
            .flat_map(|branch| branch.people.iter().copied())
            .collect();
        let callers = self.branches.iter().map(|branch| branch.caller);
        callers.filter(|caller| !called.contains(caller)).collect()
    }

    /// Whom this person calls, in order; nobody, if not a caller.
    pub fn people_of(&self, caller: ContactId) -> &[ContactId] {
        self.branches
            .iter()
            .find(|branch| branch.caller == caller)
            .map_or(&[], |b| &b.people)
    }

    /// Who calls this person; nobody calls the first ones.
    pub fn caller_of(&self, person: ContactId) -> Option<ContactId> {
        let branch = self
            .branches
            .iter()
            .find(|branch| branch.people.contains(&person));
        branch.map(|branch| branch.caller)
    }
}

/// Every tree by name, without branches.
pub async fn list(db: &Db) -> Result<Vec<CallTreeRow>, Error> {
    Ok(call_trees::list(db).await?)
}

/// One tree by its key. Archived people are left out of it.
pub async fn find(db: &Db, id: CallTreeId) -> Result<Option<CallTree>, Error> {
    match call_trees::find(db, id).await? {
        Some(row) => Ok(Some(complete(db, row).await?)),
        None => Ok(None),
    }
}

/// One tree by its name.
pub async fn find_by_name(db: &Db, name: &str) -> Result<Option<CallTree>, Error> {
    match call_trees::find_by_name(db, name).await? {
        Some(row) => Ok(Some(complete(db, row).await?)),
        None => Ok(None),
    }
}

async fn complete(db: &Db, row: CallTreeRow) -> Result<CallTree, Error> {
    let mut branches: Vec<Branch> = Vec::new();
    for call in call_trees::branches(db, row.id).await? {
        match branches.last_mut() {
            Some(branch) if branch.caller == call.caller_id => branch.people.push(call.contact_id),
            _ => branches.push(Branch {
                caller: call.caller_id,
                people: vec![call.contact_id],
            }),
        }
    }
    Ok(CallTree {
        id: row.id,
        name: row.name,
        branches,
    })
}

/// Makes the tree of this name, or replaces it. Refuses someone who is called twice or calls
/// themselves, a circle, and people who are not in the directory.
pub async fn save(
    db: &Db,
    name: &str,
    branches: Vec<Branch>,
    now: Timestamp,
    actor: &Actor,
) -> Result<CallTree, Error> {
    let name = tidy(name);
    if name.is_empty() || name.chars().count() > 100 {
        return Err(refused(
            "name",
            "give the call tree a name of 1 to 100 characters",
        ));
    }
    let sentences = problems(&branches);
    if !sentences.is_empty() {
        let complaint = |sentence| Complaint::new("branches", sentence);
        return Err(Error::Refused(
            sentences.into_iter().map(complaint).collect(),
        ));
    }
    let rows = rows(&branches);
    let actor = actor.clone();
    let id = db
        .write("save a call tree", move |tx| {
            async move {
                let known = call_trees::find_by_name(&mut *tx, &name).await?;
                let id = known.map_or_else(CallTreeId::new, |row| row.id);
                let detail = json!({"callers": branches.len(), "people": rows.len()});
                refuse_strangers(tx, "branches", &everyone(&branches)).await?;
                audit::append(tx, now, &actor, "call_tree.save", &id.to_string(), &detail).await?;
                call_trees::save(tx, id, &name, now).await?;
                call_trees::delete_branches(tx, id).await?;
                for rows in rows.chunks(1000) {
                    call_trees::add_branches(tx, id, rows).await?;
                }
                Ok::<_, Error>(id)
            }
            .boxed()
        })
        .await?;
    find(db, id).await?.ok_or(NO_TREE)
}

/// Deletes a tree; its people stay in the directory.
pub async fn delete(db: &Db, id: CallTreeId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("delete a call tree", move |tx| {
        async move {
            audit::append(
                tx,
                now,
                &actor,
                "call_tree.delete",
                &id.to_string(),
                &json!({}),
            )
            .await?;
            match call_trees::delete(tx, id).await? {
                0 => Err(NO_TREE),
                _ => Ok(()),
            }
        }
        .boxed()
    })
    .await
}

const NO_TREE: Error = Error::NotFound("there is no such call tree");

fn rows(branches: &[Branch]) -> Vec<BranchSave> {
    let mut rows = Vec::new();
    for branch in branches {
        for (position, person) in (1..).zip(&branch.people) {
            rows.push(BranchSave {
                caller_id: hex(branch.caller.0.as_bytes()),
                contact_id: hex(person.0.as_bytes()),
                position,
            });
        }
    }
    rows
}

/// Callers and called, callers without anybody to call among them.
fn everyone(branches: &[Branch]) -> Vec<ContactId> {
    let of = |branch: &Branch| {
        let mut all = branch.people.clone();
        all.push(branch.caller);
        all
    };
    branches.iter().flat_map(of).collect()
}

/// What is wrong with a tree, in sentences; nothing, if it can be called through. Pure.
fn problems(branches: &[Branch]) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut caller_of: HashMap<ContactId, ContactId> = HashMap::new();
    let mut callers = HashSet::new();
    for branch in branches {
        if !callers.insert(branch.caller) {
            sentences.push(format!(
                "caller {} is listed twice: join the two",
                branch.caller
            ));
        }
        for person in &branch.people {
            if *person == branch.caller {
                sentences.push(format!("{person} would call themselves"));
            } else if caller_of.insert(*person, branch.caller).is_some() {
                sentences.push(format!("{person} would be called twice"));
            }
        }
    }
    let in_circle = |start: &&ContactId| {
        let mut next = caller_of.get(*start);
        for _ in 0..=caller_of.len() {
            match next {
                Some(caller) if caller == *start => return true,
                Some(caller) => next = caller_of.get(caller),
                None => return false,
            }
        }
        false
    };
    if let Some(person) = callers.iter().find(in_circle) {
        sentences.push(format!(
            "{person} would be called by someone further down: a circle"
        ));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(branches: Vec<Branch>) -> CallTree {
        CallTree {
            id: CallTreeId::new(),
            name: "Night".to_owned(),
            branches,
        }
    }

    #[test]
    fn a_tree_begins_with_those_whom_nobody_calls() {
        let [chief, lead, nurse] = [ContactId::new(), ContactId::new(), ContactId::new()];
        let branches = vec![
            Branch {
                caller: chief,
                people: vec![lead],
            },
            Branch {
                caller: lead,
                people: vec![nurse],
            },
        ];
        assert!(problems(&branches).is_empty());
        let tree = tree(branches);
        assert_eq!(tree.roots(), [chief]);
        assert_eq!(tree.caller_of(nurse), Some(lead));
        assert_eq!(tree.people_of(nurse), []);
    }

    #[test]
    fn circles_and_double_calls_are_refused() {
        let [a, b, c] = [ContactId::new(), ContactId::new(), ContactId::new()];
        let circle = vec![
            Branch {
                caller: a,
                people: vec![b],
            },
            Branch {
                caller: b,
                people: vec![c],
            },
            Branch {
                caller: c,
                people: vec![a],
            },
        ];
        assert!(problems(&circle)[0].contains("circle"));
        let twice = vec![
            Branch {
                caller: a,
                people: vec![c],
            },
            Branch {
                caller: b,
                people: vec![c],
            },
        ];
        assert!(problems(&twice)[0].contains("called twice"));
        assert!(
            problems(&[Branch {
                caller: a,
                people: vec![a]
            }])[0]
                .contains("themselves")
        );
    }
}
