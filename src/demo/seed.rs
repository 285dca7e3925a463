//! Fills an empty database with the fictitious clinic: its people, groups, call tree, approved
//! messages and a manager who can sign in.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::people::{self, DemoPerson};
use crate::account::password::Passwords;
use crate::account::role::Role;
use crate::account::user::{self, NewUser, User};
use crate::alert::words::Category;
use crate::app::App;
use crate::audit::Actor;
use crate::channel::Address;
use crate::directory::call_tree::{self, Branch};
use crate::directory::contact::{self, ContactDraft, lookup_text};
use crate::directory::group::{self, GroupDraft};
use crate::directory::import::WrongColumns;
use crate::directory::opt_out::{self, How};
use crate::directory::{apply, import, table};
use crate::ids::ContactId;
use crate::keys::hex;
use crate::storage::{self, approvals};
use crate::template_approval;
use crate::{account, directory, template};

/// What the manager types to sign in, once a password is set.
pub const MANAGER: &str = "manager";

/// The same people every time.
const SEED: u64 = 1;

/// Patients who said STOP, by their place: one has a mobile phone only, one an e-mail address too.
const OPTED_OUT: [usize; 2] = [8, 11];

/// Why the clinic could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The directory refused something.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// The account of the manager.
    #[error(transparent)]
    Account(#[from] account::Error),
    /// A message template.
    #[error(transparent)]
    Template(#[from] template_approval::Refused),
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The demonstration's own table of people.
    #[error(transparent)]
    Table(#[from] table::NotATable),
    /// The same.
    #[error(transparent)]
    Columns(#[from] WrongColumns),
    /// The same.
    #[error("the demonstration's people are no table: {0}")]
    Csv(#[from] csv::Error),
}

/// Brings the clinic into the database where it is not there yet, and answers with the manager.
/// Twice changes nothing.
pub async fn seed(app: &App) -> Result<User, SeedError> {
    if contact::counts(&app.db).await?.is_empty() {
        let people = people::directory(&app.config.organisation.region, SEED);
        groups(app).await?;
        directory(app, &people).await?;
        opt_outs(app, &people).await?;
        call_tree(app, &people).await?;
    }
    approve_templates(app).await?;
    manager(app).await
}

async fn groups(app: &App) -> Result<(), SeedError> {
    for (name, title) in people::GROUPS {
        let draft = GroupDraft {
            title: (*title).to_owned(),
            name: Some((*name).to_owned()),
            ..GroupDraft::default()
        };
        group::create(&app.db, draft, app.clock.now(), &Actor::system()).await?;
    }
    Ok(())
}

/// People come in as anybody's do, by a table; those whom nobody can reach have no row in one.
async fn directory(app: &App, people: &[DemoPerson]) -> Result<(), SeedError> {
    let house = &app.config.organisation;
    let (now, by) = (app.clock.now(), Actor::system());
    let table = table(people)?;
    let parsed = import::parse(&table::read(&table)?, &house.region, &house.language())?;
    let hash = hex(&Sha256::digest(&table));
    apply::apply_import(
        &app.db,
        &app.keys,
        parsed,
        apply::Absent::Stay,
        &hash,
        now,
        &by,
    )
    .await?;
    for person in people.iter().filter(|person| !is_reachable(person)) {
        contact::create(&app.db, &app.keys, unreachable(person), now, &by).await?;
    }
    Ok(())
}

fn is_reachable(person: &DemoPerson) -> bool {
    person.mobile.is_some() || person.phone.is_some() || person.email.is_some()
}

fn table(people: &[DemoPerson]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "name",
        "email",
        "mobile",
        "phone",
        "language",
        "category",
        "role",
        "site",
        "unit",
        "groups",
        "tags",
        "manager",
        "appointment",
        "new_time",
    ])?;
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
    for person in people.iter().filter(|person| is_reachable(person)) {
        let field = |name: &str| person.fields.get(name).cloned().unwrap_or_default();
        writer.write_record([
            person.name.clone(),
            or_nothing(&person.email),
            or_nothing(&person.mobile),
            or_nothing(&person.phone),
            person.language.to_string(),
            person.category.to_string(),
            person.role.clone(),
            person.site.clone(),
            person.unit.clone(),
            person.groups.join(";"),
            person.tags.join(";"),
            or_nothing(&person.manager),
            field("appointment"),
            field("new_time"),
        ])?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn unreachable(person: &DemoPerson) -> ContactDraft {
    ContactDraft {
        external_id: None,
        name: person.name.clone(),
        language: person.language.clone(),
        category: person.category,
        role: person.role.clone(),
        site: person.site.clone(),
        unit: person.unit.clone(),
        tags: person.tags.clone(),
        fields: person.fields.clone(),
        groups: person.groups.clone(),
        points: Vec::new(),
        manager_id: None,
    }
}

async fn opt_outs(app: &App, people: &[DemoPerson]) -> Result<(), SeedError> {
    let patients: Vec<&DemoPerson> = people
        .iter()
        .filter(|person| person.category == Category::Patient)
        .collect();
    let chosen = OPTED_OUT
        .iter()
        .filter_map(|place| patients.get(*place)?.mobile.clone());
    for mobile in chosen {
        let (now, by) = (app.clock.now(), Actor::system());
        let lookup = app.keys.lookup(&lookup_text(&Address::new(mobile)));
        app.db
            .write("demo.opt_out", move |tx| {
                Box::pin(async move { opt_out::opt_out(tx, &lookup, How::Sms, now, &by).await })
            })
            .await?;
    }
    Ok(())
}

async fn call_tree(app: &App, people: &[DemoPerson]) -> Result<(), SeedError> {
    let everyone = contact::everyone(&app.db, &app.keys).await?;
    let ids: HashMap<&str, ContactId> = everyone
        .iter()
        .map(|contact| (contact.name.as_str(), contact.id))
        .collect();
    let branches = people::call_tree(people)
        .into_iter()
        .filter_map(|(caller, names)| {
            Some(Branch {
                caller: *ids.get(caller.as_str())?,
                people: names
                    .iter()
                    .filter_map(|name| ids.get(name.as_str()).copied())
                    .collect(),
            })
        });
    let (now, by) = (app.clock.now(), Actor::system());
    call_tree::save(&app.db, "Staff call tree", branches.collect(), now, &by).await?;
    Ok(())
}

/// Approves every template without errors; a broken one is left as it is.
async fn approve_templates(app: &App) -> Result<(), SeedError> {
    let by = Actor::user("demo-approver");
    for template in &app.shelf().templates {
        if approvals::find(&app.db, &template.name, &template.hash)
            .await?
            .is_some()
        {
            continue;
        }
        let is_sound = |finding: &template::Finding| finding.level != template::Level::Error;
        if template::check(template).iter().all(is_sound) {
            template_approval::approve(app, &template.name, None, &by).await?;
        }
    }
    Ok(())
}

async fn manager(app: &App) -> Result<User, SeedError> {
    if let Some(manager) = user::find_by_login(&app.db, MANAGER).await? {
        return Ok(manager);
    }
    let new = NewUser {
        login: MANAGER.to_owned(),
        name: "Morgan Reyes".to_owned(),
        roles: Role::ALL.to_vec(),
        password: None,
    };
    let now = app.clock.now();
    Ok(user::create(&app.db, &Passwords::default(), new, now, &Actor::system()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::demo::house::{self, Pace};
    use crate::storage::{Access, audience};

    async fn clinic(folder: &std::path::Path) -> App {
        let (listen, url) = ("127.0.0.1:8080", "http://127.0.0.1:8080");
        let config = house::config(folder.to_owned(), listen, url, Pace::Watched);
        App::open(config, Clock::system(), Access::Migrate)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_clinic_has_everyone_and_every_message_is_approved() {
        let folder = tempfile::tempdir().unwrap();
        let app = clinic(folder.path()).await;
        let manager = seed(&app).await.unwrap();
        let people = people::directory("US", SEED);
        let everyone = contact::everyone(&app.db, &app.keys).await.unwrap();
        assert_eq!(everyone.len(), people.len());
        assert_eq!(
            everyone
                .iter()
                .filter(|contact| contact.points.is_empty())
                .count(),
            2
        );
        let opted_out = |contact: &&contact::Contact| {
            contact
                .points
                .iter()
                .any(|point| point.opted_out_at.is_some())
        };
        assert_eq!(everyone.iter().filter(opted_out).count(), OPTED_OUT.len());
        let templates = app.shelf().templates.len();
        assert_eq!(approvals::list(&app.db).await.unwrap().len(), templates);
        let names: Vec<String> = people::GROUPS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(
            audience::group_ids(&app.db, &names).await.unwrap().len(),
            names.len()
        );
        assert_eq!(call_tree::list(&app.db).await.unwrap().len(), 1);
        assert_eq!(manager.roles, Role::ALL);
        assert!(!manager.has_password);
    }

    #[tokio::test]
    async fn a_second_start_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let app = clinic(folder.path()).await;
        let first = seed(&app).await.unwrap();
        let entries = crate::audit::verify(&app.db).await.unwrap().entries;
        assert_eq!(seed(&app).await.unwrap().id, first.id);
        assert_eq!(
            crate::audit::verify(&app.db).await.unwrap().entries,
            entries
        );
    }
}
