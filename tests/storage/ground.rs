//! What every storage test stands on: an empty database of each kind, fixed keys, a fixed time.

use std::path::Path;

use muster::alert::words::{Category, Language};
use muster::audit::{self, Actor};
use muster::channel::Address;
use muster::clock::Timestamp;
use muster::directory::contact::{ContactDraft, PointDraft, PointKind, lookup_text};
use muster::directory::opt_out::{self, How};
use muster::ids::ContactId;
use muster::keys::Keys;
use muster::storage::{Access, Db};

/// Declares tests that are each run twice. Afterwards the audit chain must be whole.
macro_rules! on_both {
    ($(async fn $name:ident($db:ident: &Db) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn suite($db: &Db) $body

            #[tokio::test]
            async fn on_sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let db = $crate::ground::sqlite(folder.path()).await;
                suite(&db).await;
                $crate::ground::assert_whole_chain(&db).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                let database = $crate::support::postgres::fresh_database().await;
                let url = database.url().parse().unwrap();
                let db = Db::open(&url, muster::storage::Access::Migrate).await.unwrap();
                suite(&db).await;
                $crate::ground::assert_whole_chain(&db).await;
                db.close().await;
            }
        }
    )*};
}

/// An empty database in a folder.
pub(crate) async fn sqlite(folder: &Path) -> Db {
    let url = format!("sqlite:{}", folder.join("muster.db").display());
    Db::open(&url.parse().unwrap(), Access::Migrate)
        .await
        .unwrap()
}

/// Fails unless the audit chain is whole and something is in it.
pub(crate) async fn assert_whole_chain(db: &Db) {
    let verdict = audit::verify(db).await.unwrap();
    assert_eq!(verdict.problems, Vec::<String>::new());
    assert!(verdict.entries > 0, "nothing was written down");
}

/// How often something was done.
pub(crate) async fn entries(db: &Db, action: &str) -> usize {
    let entries = muster::storage::audit::list_after(db, 0, 1000)
        .await
        .unwrap();
    entries
        .iter()
        .filter(|entry| entry.action == action)
        .count()
}

pub(crate) fn keys() -> Keys {
    Keys::derive(&[7; 32])
}

pub(crate) const NOW: Timestamp = Timestamp(1_770_000_000_000);

pub(crate) fn actor() -> Actor {
    Actor::command_line()
}

/// A nurse with this name and these points.
pub(crate) fn person(name: &str, points: &[(PointKind, &str)]) -> ContactDraft {
    let point = |(kind, address): &(PointKind, &str)| PointDraft {
        kind: *kind,
        address: Address::new(*address),
        extension: String::new(),
    };
    ContactDraft {
        external_id: None,
        name: name.to_owned(),
        language: Language::parse("en").unwrap(),
        category: Category::Staff,
        role: "nurse".to_owned(),
        site: "North".to_owned(),
        unit: "ICU".to_owned(),
        tags: vec!["keys".to_owned()],
        fields: [("room".to_owned(), "12".to_owned())].into(),
        groups: Vec::new(),
        points: points.iter().map(point).collect(),
        manager_id: None,
    }
}

/// Someone writes STOP from this number: whose it is.
pub(crate) async fn opt_out(db: &Db, number: &Address, at: Timestamp) -> Vec<ContactId> {
    let lookup = keys().lookup(&lookup_text(number));
    let written = db.write("test.opt_out", move |tx| {
        Box::pin(async move { opt_out::opt_out(tx, &lookup, How::Sms, at, &actor()).await })
    });
    written.await.unwrap()
}

/// Someone writes START from this number: whose it is.
pub(crate) async fn opt_in(db: &Db, number: &Address, at: Timestamp) -> Vec<ContactId> {
    let lookup = keys().lookup(&lookup_text(number));
    let written = db.write("test.opt_in", move |tx| {
        Box::pin(async move { opt_out::opt_in(tx, &lookup, How::Sms, at, &actor()).await })
    });
    written.await.unwrap()
}
