//! Groups by list, by rule, and inside each other.

use muster::directory::contact::{self, ContactDraft};
use muster::directory::group::{self, Group, GroupDraft, Rule, RuleField};
use muster::ids::ContactId;
use muster::storage::Db;

use crate::ground::{NOW, actor, keys, person};

async fn make(db: &Db, title: &str, draft: GroupDraft) -> Group {
    let draft = GroupDraft {
        title: title.to_owned(),
        ..draft
    };
    group::create(db, draft, NOW, &actor()).await.unwrap()
}

async fn person_at(db: &Db, name: &str, site: &str, role: &str) -> ContactId {
    let draft = ContactDraft {
        site: site.to_owned(),
        role: role.to_owned(),
        ..person(name, &[])
    };
    contact::create(db, &keys(), draft, NOW, &actor())
        .await
        .unwrap()
        .id
}

async fn names_in(db: &Db, group: &Group) -> Vec<String> {
    let page = group::members(db, &keys(), group.id, None, 100)
        .await
        .unwrap();
    page.items.into_iter().map(|contact| contact.name).collect()
}

fn rule(field: RuleField, value: &str) -> Rule {
    Rule {
        field,
        value: value.to_owned(),
    }
}

async fn people_of(db: &Db, name: &str) -> i64 {
    let list = group::list(db).await.unwrap();
    list.into_iter()
        .find(|group| group.name == name)
        .unwrap()
        .people
}

on_both! {
    async fn a_group_by_list_counts_who_is_in_use(db: &Db) {
        let ana = person_at(db, "Ana", "North", "nurse").await;
        let bob = person_at(db, "Bob", "North", "nurse").await;
        let members = Some(vec![ana, bob, ana]);
        let group = make(db, "Night Shift", GroupDraft { members, ..Default::default() }).await;
        assert_eq!(group.name, "night-shift");
        assert_eq!(names_in(db, &group).await, ["Ana", "Bob"]);
        contact::archive(db, bob, NOW, &actor()).await.unwrap();
        assert_eq!(names_in(db, &group).await, ["Ana"]);
        assert_eq!(people_of(db, "night-shift").await, 1);
    }

    async fn a_group_by_rule_needs_every_field_and_any_of_its_values(db: &Db) {
        person_at(db, "Ana", "North", "nurse").await;
        person_at(db, "Bob", "SOUTH", "nurse").await;
        person_at(db, "Cem", "North", "porter").await;
        person_at(db, "Dora", "East", "nurse").await;
        let rules = Some(vec![
            rule(RuleField::Role, "Nurse"),
            rule(RuleField::Site, "north"),
            rule(RuleField::Site, "south"),
            rule(RuleField::Tag, "keys"),
            rule(RuleField::Category, "staff"),
        ]);
        let group = make(db, "Nurses", GroupDraft { rules, ..Default::default() }).await;
        assert_eq!(names_in(db, &group).await, ["Ana", "Bob"]);
        assert_eq!(people_of(db, "nurses").await, 2);
        let none = GroupDraft { title: "Nurses".to_owned(), rules: Some(vec![]), ..Default::default() };
        let group = group::update(db, group.id, none, NOW, &actor()).await.unwrap();
        assert_eq!(names_in(db, &group).await, Vec::<String>::new());
    }

    async fn a_person_in_five_groups_of_a_group_is_one_person(db: &Db) {
        let ana = person_at(db, "Ana", "North", "nurse").await;
        person_at(db, "Bob", "South", "porter").await;
        let list = GroupDraft { members: Some(vec![ana]), ..Default::default() };
        make(db, "Inner", list.clone()).await;
        let rules = Some(vec![rule(RuleField::Site, "North")]);
        make(db, "By rule", GroupDraft { rules, ..list.clone() }).await;
        let parts = Some(vec!["inner".to_owned(), "by-rule".to_owned()]);
        make(db, "Middle", GroupDraft { parts, ..list.clone() }).await;
        let parts = Some(vec!["middle".to_owned()]);
        let outer = make(db, "Outer", GroupDraft { parts, ..Default::default() }).await;
        assert_eq!(names_in(db, &outer).await, ["Ana"]);
        assert_eq!(people_of(db, "outer").await, 1);
        assert_eq!(outer.parts, ["middle"]);
    }

    async fn a_group_cannot_be_inside_itself(db: &Db) {
        let inner = make(db, "Inner", GroupDraft::default()).await;
        let parts = Some(vec!["inner".to_owned()]);
        make(db, "Outer", GroupDraft { parts, ..Default::default() }).await;
        let parts = Some(vec!["outer".to_owned()]);
        let circle = GroupDraft { title: "Inner".to_owned(), parts, ..Default::default() };
        let error = group::update(db, inner.id, circle, NOW, &actor()).await.unwrap_err();
        assert!(error.to_string().contains("inside itself"), "{error}");
        let unchanged = group::find_by_name(db, "inner").await.unwrap().unwrap();
        assert_eq!(unchanged.parts, Vec::<String>::new());
    }

    async fn a_taken_name_is_refused_and_a_deleted_group_frees_it(db: &Db) {
        let group = make(db, "Night", GroupDraft::default()).await;
        let draft = GroupDraft { title: "Night!".to_owned(), ..Default::default() };
        let error = group::create(db, draft.clone(), NOW, &actor()).await.unwrap_err();
        assert!(error.to_string().contains("\"night\""), "{error}");
        group::delete(db, group.id, NOW, &actor()).await.unwrap();
        assert!(group::delete(db, group.id, NOW, &actor()).await.is_err());
        assert!(group::create(db, draft, NOW, &actor()).await.is_ok());
    }
}
