//! What a write promises: its own failure takes back only its own, and it goes on without its caller.
#![expect(clippy::panic, reason = "one write is to panic")]

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use muster::audit;
use muster::ids::ContactId;
use muster::storage::{Access, Db, Error};

use tokio::sync::oneshot;

use crate::ground::{NOW, actor};

async fn keep(db: &Db, key: String, fails: bool) -> Result<(), Error> {
    db.write("test.keep", move |tx| {
        Box::pin(async move {
            tx.sql("INSERT INTO meta (key, value) VALUES ($1, 'x')")
                .bind(&key)
                .execute()
                .await?;
            audit::append(tx, NOW, &actor(), "test.keep", &key, &()).await?;
            if fails {
                Err(Error::Broken("as the test ordered"))
            } else {
                Ok(())
            }
        })
    })
    .await
}

async fn kept(db: &Db) -> i64 {
    let (count,): (i64,) = db
        .sql("SELECT count(*) FROM meta WHERE key LIKE 'row-%'")
        .fetch_one()
        .await
        .unwrap();
    count
}

on_both! {
    async fn a_failed_write_takes_back_its_own_changes_and_nobody_elses(db: &Db) {
        let writes = (0..60).map(|n| keep(db, format!("row-{n}"), n % 3 == 0));
        let done = join_all(writes).await;
        assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 40);
        assert_eq!(kept(db).await, 40);
    }

    async fn a_caller_who_hangs_up_does_not_cut_a_write_in_half(db: &Db) {
        let writing = keep(db, "row-1".to_owned(), false);
        // Polled once, then dropped: by then the write is on its way.
        drop(writing.now_or_never());
        // The first may be through, under way or not begun: at no moment is half of it there. One
        // statement sees one moment.
        keep(db, "row-2".to_owned(), false).await.unwrap();
        let (entries, rows): (i64, i64) = db
            .sql("SELECT (SELECT count(*) FROM audit_entry),
                         (SELECT count(*) FROM meta WHERE key LIKE 'row-%')")
            .fetch_one()
            .await
            .unwrap();
        assert_eq!(entries, rows);
        let verdict = audit::verify(db).await.unwrap();
        assert_eq!(verdict.problems, Vec::<String>::new());
    }

    async fn a_row_that_names_a_missing_one_is_no_reason_to_try_again(db: &Db) {
        let written: Result<(), Error> = db.write("test.dangling", |tx| Box::pin(async move {
            tx.sql("INSERT INTO contact_tag (contact_id, tag) VALUES ($1, 'x')")
                .bind(ContactId::new())
                .execute()
                .await?;
            Ok(())
        })).await;
        assert!(matches!(written, Err(Error::Dangling)), "{written:?}");
        keep(db, "row-1".to_owned(), false).await.unwrap();
    }

    async fn a_panic_in_a_write_is_an_error_and_the_next_write_works(db: &Db) {
        let panicked: Result<(), Error> = db.write("test.panic", |tx| Box::pin(async move {
            tx.sql("INSERT INTO meta (key, value) VALUES ('row-0', 'x')").execute().await?;
            panic!("as the test ordered")
        })).await;
        assert!(matches!(panicked, Err(Error::Broken(_))));
        keep(db, "row-1".to_owned(), false).await.unwrap();
        assert_eq!(kept(db).await, 1);
    }

    async fn the_same_key_twice_is_a_conflict(db: &Db) {
        keep(db, "row-1".to_owned(), false).await.unwrap();
        assert!(matches!(keep(db, "row-1".to_owned(), false).await, Err(Error::Conflict)));
        assert_eq!(kept(db).await, 1);
    }
}

#[tokio::test]
async fn an_older_program_refuses_a_newer_database() {
    let folder = tempfile::tempdir().unwrap();
    let db = crate::ground::sqlite(folder.path()).await;
    let added: Result<u64, Error> = db
        .write("test.newer", |tx| {
            Box::pin(async move {
                tx.sql(
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9999, 'from the future', TRUE, x'00', 0)",
                )
                .execute()
                .await
            })
        })
        .await;
    added.unwrap();
    db.close().await;
    let url = format!("sqlite:{}", folder.path().join("muster.db").display())
        .parse()
        .unwrap();
    for access in [Access::Migrate, Access::AsItIs] {
        let error = Db::open(&url, access).await.unwrap_err().to_string();
        assert!(error.contains("newer version of Muster"), "{error}");
    }
}

#[tokio::test]
async fn what_was_answered_is_on_disk_in_another_connection() {
    let folder = tempfile::tempdir().unwrap();
    let db = crate::ground::sqlite(folder.path()).await;
    keep(&db, "row-1".to_owned(), false).await.unwrap();
    let url = format!("sqlite:{}", folder.path().join("muster.db").display())
        .parse()
        .unwrap();
    let other = Db::open(&url, Access::AsItIs).await.unwrap();
    assert_eq!(kept(&other).await, 1);
}

/// Adds its name to the order in which writes are carried out.
fn note(db: &Db, order: &Arc<Mutex<Vec<String>>>, name: &str) -> BoxFuture<'static, ()> {
    let (db, order, name) = (db.clone(), Arc::clone(order), name.to_owned());
    async move {
        let written: Result<(), Error> = db
            .write("test.note", move |_| {
                Box::pin(async move {
                    order.lock().unwrap().push(name);
                    Ok(())
                })
            })
            .await;
        written.unwrap();
    }
    .boxed()
}

/// Begins a write that all others wait for, until the answered end of the channel is used.
async fn begin_a_long_one(db: &Db) -> oneshot::Sender<()> {
    let (go, wait) = oneshot::channel::<()>();
    let (say, begun) = oneshot::channel();
    let db = db.clone();
    tokio::spawn(async move {
        let work = db.write("test.long", |_| {
            Box::pin(async {
                say.send(()).unwrap();
                wait.await.unwrap();
                Ok::<_, Error>(())
            })
        });
        work.await.unwrap();
    });
    begun.await.unwrap();
    go
}

#[tokio::test]
async fn what_may_not_wait_is_written_before_what_waits_and_closing_forgets_neither() {
    let folder = tempfile::tempdir().unwrap();
    let db = crate::ground::sqlite(folder.path()).await;
    let urgent = db.reserved();
    let order = Arc::new(Mutex::new(Vec::new()));
    let go = begin_a_long_one(&db).await;
    let mut waiting: Vec<_> = ["a", "b"].map(|name| note(&db, &order, name)).into();
    waiting.extend(["urgent 1", "urgent 2"].map(|name| note(&urgent, &order, name)));
    let mut all = join_all(waiting);
    assert!(
        (&mut all).now_or_never().is_none(),
        "they wait for the long one"
    );
    let mut closing = urgent.close().boxed();
    assert!((&mut closing).now_or_never().is_none());
    let mut late = note(&urgent, &order, "urgent 3");
    assert!((&mut late).now_or_never().is_none());
    go.send(()).unwrap();
    closing.await;
    all.await;
    late.await;
    let expected = ["urgent 1", "urgent 2", "urgent 3", "a", "b"];
    assert_eq!(*order.lock().unwrap(), expected);
}

#[tokio::test]
async fn what_can_wait_has_its_turn_however_many_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let db = crate::ground::sqlite(folder.path()).await;
    let urgent = db.reserved();
    let order = Arc::new(Mutex::new(Vec::new()));
    let go = begin_a_long_one(&db).await;
    let mut waiting = vec![note(&db, &order, "a"), note(&db, &order, "b")];
    waiting.extend((0..2000).map(|_| note(&urgent, &order, "urgent")));
    let mut all = join_all(waiting);
    assert!(
        (&mut all).now_or_never().is_none(),
        "they wait for the long one"
    );
    go.send(()).unwrap();
    all.await;
    let order = order.lock().unwrap();
    let place = |name: &str| order.iter().position(|one| one == name).unwrap();
    assert!(place("a") > 200, "{}", place("a"));
    assert!(
        place("a") < 600 && place("b") < 1300,
        "{} {}",
        place("a"),
        place("b")
    );
}
