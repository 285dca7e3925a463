//! Phone trees.

use muster::directory::call_tree::{self, Branch};
use muster::directory::contact;
use muster::ids::ContactId;
use muster::storage::Db;

use crate::ground::{NOW, actor, keys, person};

async fn three(db: &Db) -> [ContactId; 3] {
    let mut ids = [ContactId::new(); 3];
    for (id, name) in ids.iter_mut().zip(["Ana", "Bob", "Cem"]) {
        *id = contact::create(db, &keys(), person(name, &[]), NOW, &actor())
            .await
            .unwrap()
            .id;
    }
    ids
}

on_both! {
    async fn a_tree_keeps_who_calls_whom_in_order(db: &Db) {
        let [ana, bob, cem] = three(db).await;
        let branches = vec![Branch { caller: ana, people: vec![cem, bob] }];
        let tree = call_tree::save(db, "Night", branches, NOW, &actor()).await.unwrap();
        assert_eq!(tree.people_of(ana), [cem, bob]);
        assert_eq!(tree.roots(), [ana]);
        let branches = vec![
            Branch { caller: ana, people: vec![bob] },
            Branch { caller: bob, people: vec![cem] },
        ];
        let again = call_tree::save(db, "Night", branches, NOW, &actor()).await.unwrap();
        assert_eq!(again.id, tree.id);
        assert_eq!(again.caller_of(cem), Some(bob));
        assert_eq!(call_tree::find_by_name(db, "Night").await.unwrap(), Some(again));
        contact::archive(db, cem, NOW, &actor()).await.unwrap();
        let without = call_tree::find(db, tree.id).await.unwrap().unwrap();
        assert_eq!(without.people_of(bob), []);
        call_tree::delete(db, tree.id, NOW, &actor()).await.unwrap();
        assert!(call_tree::list(db).await.unwrap().is_empty());
    }

    async fn a_stranger_in_a_tree_is_refused(db: &Db) {
        let [ana, ..] = three(db).await;
        let stranger = ContactId::new();
        let called = vec![Branch { caller: ana, people: vec![stranger] }];
        let calling_nobody = vec![Branch { caller: stranger, people: Vec::new() }];
        for branches in [called, calling_nobody] {
            let error = call_tree::save(db, "Night", branches, NOW, &actor()).await.unwrap_err();
            assert!(error.to_string().contains(&stranger.to_string()), "{error}");
        }
        assert!(call_tree::find_by_name(db, "Night").await.unwrap().is_none());
    }
}
