//! What there is to mend of people's numbers, counted as it is listed.

use muster::clock::Timestamp;
use muster::directory::contact::{self, PointKind, Wanted};
use muster::directory::health::{self, Concern};
use muster::directory::opt_out::{self, How, Wish};
use muster::ids::ContactId;
use muster::storage::Db;

use crate::ground::{NOW, actor, entries, keys, person};

async fn make(db: &Db, name: &str, points: &[(PointKind, &str)]) -> contact::Contact {
    contact::create(db, &keys(), person(name, points), NOW, &actor())
        .await
        .unwrap()
}

/// The names of those of whom there is this to mend.
async fn listed(db: &Db, concern: Concern, now: Timestamp) -> Vec<String> {
    let wanted = Wanted {
        concern: Some((concern, health::long_ago(now))),
        ..Wanted::default()
    };
    let page = contact::list(db, &keys(), &wanted, None, 50).await.unwrap();
    for contact in &page.items {
        assert!(
            health::concerns(contact, now).contains(&concern),
            "{concern:?}"
        );
    }
    page.items.into_iter().map(|contact| contact.name).collect()
}

on_both! {
    async fn who_is_listed_is_who_is_counted_and_a_proof_is_good_for_a_year(db: &Db) {
        make(db, "Ana", &[]).await;
        make(db, "Bo", &[(PointKind::Email, "bo@clinic.example")]).await;
        let cid = make(db, "Cid", &[(PointKind::Mobile, "+41791234567"), (PointKind::Email, "cid@clinic.example")]).await;

        health::verify(db, cid.id, cid.points[0].id, NOW, &actor()).await.unwrap();

        assert_eq!(listed(db, Concern::NoWay, NOW).await, ["Ana"]);
        assert_eq!(listed(db, Concern::NoMobile, NOW).await, ["Bo"]);
        assert_eq!(listed(db, Concern::NeverVerified, NOW).await, ["Bo"]);
        assert!(listed(db, Concern::VerifiedLongAgo, NOW).await.is_empty());
        let later = Timestamp(NOW.0 + 366 * 24 * 3_600_000);
        assert_eq!(listed(db, Concern::VerifiedLongAgo, later).await, ["Cid"]);
        let counts = health::counts(db, later).await.unwrap();
        assert_eq!((counts.no_way, counts.no_mobile, counts.failed), (1, 1, 0));
        assert_eq!((counts.never_verified, counts.verified_long_ago), (1, 1));
        assert_eq!(entries(db, "contact.verify").await, 1);
        let stranger = health::verify(db, ContactId::new(), cid.points[0].id, NOW, &actor()).await;
        assert!(stranger.is_err());
    }

    async fn the_ledger_keeps_an_opt_out_though_the_number_went_and_came_back(db: &Db) {
        let ana = make(db, "Ana", &[(PointKind::Mobile, "+41791234567")]).await;
        let ids = (ana.id, ana.points[0].id);
        opt_out::enter(db, ids, Wish::Out, How::Phone, NOW, &actor()).await.unwrap();
        opt_out::enter(db, ids, Wish::Out, How::Written, NOW, &actor()).await.unwrap();
        contact::update(db, &keys(), ana.id, person("Ana", &[]), NOW, &actor()).await.unwrap();

        let again = person("Ana", &[(PointKind::Mobile, "+41791234567")]);
        let ana = contact::update(db, &keys(), ana.id, again, NOW, &actor()).await.unwrap();

        assert_eq!(ana.points[0].opted_out_at, Some(NOW));
        let ledger = opt_out::ledger(db).await.unwrap();
        assert_eq!((ledger.len(), ledger[0].how, ledger[0].lifted_at), (1, How::Phone, None));
        let later = Timestamp(NOW.0 + 1);
        let ids = (ana.id, ana.points[0].id);
        opt_out::enter(db, ids, Wish::In, How::Mistake, later, &actor()).await.unwrap();
        let ledger = opt_out::ledger(db).await.unwrap();
        assert_eq!((ledger[0].lifted_at, ledger[0].lifted_how), (Some(later), Some(How::Mistake)));
        assert_eq!((entries(db, "contact.opt_out").await, entries(db, "contact.opt_in").await), (1, 1));
    }
}
