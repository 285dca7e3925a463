//! Two entries of one person become one, and nothing of either is lost.

use muster::clock::Timestamp;
use muster::directory::call_tree::{self, Branch};
use muster::directory::contact::{self, PointKind};
use muster::directory::{group, merge};
use muster::ids::ContactId;
use muster::storage::Db;

use crate::ground::{NOW, actor, entries, keys, opt_out, person};

const LATER: Timestamp = Timestamp(NOW.0 + 1000);

async fn make(db: &Db, draft: contact::ContactDraft) -> contact::Contact {
    contact::create(db, &keys(), draft, NOW, &actor())
        .await
        .unwrap()
}

async fn get(db: &Db, id: ContactId) -> contact::Contact {
    contact::find(db, &keys(), id).await.unwrap().unwrap()
}

on_both! {
    async fn one_person_has_what_both_entries_had(db: &Db) {
        let ana = make(db, person("Ana Cruz", &[(PointKind::Mobile, "+41791234567")])).await;
        let mut twin = person("A. Cruz", &[
            (PointKind::Mobile, "+41791234567"),
            (PointKind::Mobile, "+41791234568"),
            (PointKind::Email, "ana@clinic.example"),
        ]);
        twin.external_id = Some("1001".to_owned());
        twin.tags = vec!["first aid".to_owned()];
        twin.fields = [("room".to_owned(), "99".to_owned()), ("desk".to_owned(), "3".to_owned())].into();
        let twin = make(db, twin).await;
        let mut nurse = person("Bo Li", &[(PointKind::Mobile, "+41791234569")]);
        nurse.manager_id = Some(twin.id);
        let nurse = make(db, nurse).await;
        let draft = group::GroupDraft {
            title: "Night".to_owned(),
            members: Some(vec![twin.id]),
            ..group::GroupDraft::default()
        };
        group::create(db, draft, NOW, &actor()).await.unwrap();
        let branches = vec![Branch { caller: nurse.id, people: vec![twin.id] }];
        call_tree::save(db, "Ward", branches, NOW, &actor()).await.unwrap();
        opt_out(db, &twin.points[1].address, NOW).await;

        merge::merge(db, &keys(), ana.id, twin.id, LATER, &actor()).await.unwrap();

        let one = get(db, ana.id).await;
        let points: Vec<_> = one.points.iter()
            .map(|point| (point.kind, point.address.reveal(), point.opted_out_at.is_some())).collect();
        assert_eq!(points.len(), 3);
        for (kind, address, opted_out) in [
            (PointKind::Mobile, "+41791234567", get_opted(&twin, "+41791234567")),
            (PointKind::Mobile, "+41791234568", get_opted(&twin, "+41791234568")),
            (PointKind::Email, "ana@clinic.example", get_opted(&twin, "ana@clinic.example")),
        ] {
            assert!(points.contains(&(kind, address, opted_out)), "{kind:?}");
        }
        assert_eq!(one.external_id.as_deref(), Some("1001"));
        assert_eq!((&*one.fields["room"], &*one.fields["desk"]), ("12", "3"));
        assert_eq!(one.tags, ["first aid", "keys"]);
        assert_eq!(one.groups, ["night"]);
        assert_eq!(get(db, nurse.id).await.manager_id, Some(ana.id));
        let ward = call_tree::find_by_name(db, "Ward").await.unwrap().unwrap();
        assert_eq!(ward.people_of(nurse.id), [ana.id]);
        let gone = get(db, twin.id).await;
        assert_eq!((gone.merged_into, gone.archived_at), (Some(ana.id), Some(LATER)));
        assert!(gone.points.is_empty() && gone.groups.is_empty() && gone.fields.is_empty());
        assert_eq!(entries(db, "contact.merge").await, 1);
        let back = contact::update(db, &keys(), twin.id, person("A. Cruz", &[]), LATER, &actor()).await;
        assert!(back.unwrap_err().to_string().contains("merged into another"));
    }

    async fn two_personnel_numbers_are_two_people(db: &Db) {
        let numbered = async |id: &str| {
            let mut draft = person("Ana Cruz", &[(PointKind::Mobile, "+41791234567")]);
            draft.external_id = Some(id.to_owned());
            make(db, draft).await.id
        };
        let (one, other) = (numbered("1").await, numbered("2").await);

        let refused = merge::merge(db, &keys(), one, other, LATER, &actor()).await.unwrap_err();

        assert!(refused.to_string().contains("personnel number of their own"), "{refused}");
        assert_eq!(get(db, other).await.points.len(), 1);
        assert_eq!(entries(db, "contact.merge").await, 0);
    }

    async fn likely_pairs_are_offered_until_somebody_says_that_they_are_two(db: &Db) {
        let ana = make(db, person("Ana Cruz", &[(PointKind::Mobile, "+41791234567")])).await.id;
        let twin = make(db, person("ana cruz", &[(PointKind::Mobile, "+41791234568")])).await.id;
        let bo = make(db, person("Bo Li", &[(PointKind::Mobile, "+41791234568")])).await.id;
        for number in 0..6 {
            make(db, person(&format!("Desk {number}"), &[(PointKind::Landline, "+41446681800")])).await;
        }
        let pairs = async || -> Vec<_> {
            let pairs = merge::likely(db).await.unwrap();
            pairs.into_iter().map(|pair| (pair.one, pair.other, pair.same_point)).collect()
        };

        assert_eq!(pairs().await, [(ana, twin, false), (twin, bo, true)]);
        merge::keep_apart(db, bo, twin, LATER, &actor()).await.unwrap();
        assert_eq!(pairs().await, [(ana, twin, false)]);
        contact::archive(db, twin, LATER, &actor()).await.unwrap();
        assert_eq!(pairs().await, []);
    }
}

/// The one number of the scene that has opted out.
fn get_opted(twin: &contact::Contact, address: &str) -> bool {
    twin.points[1].address.reveal() == address
}
