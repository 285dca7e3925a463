//! Files of people, applied.

use std::fmt::Write as _;

use muster::alert::words::Language;
use muster::clock::Timestamp;
use muster::directory::apply::Absent;
use muster::directory::contact::{self, PointKind};
use muster::directory::import::{ChangeKind, Parsed, parse};
use muster::directory::{apply, export, group, table, undo};
use muster::storage::Db;

use crate::ground::{NOW, actor, entries, keys, opt_out};

fn file(text: &str) -> Parsed {
    let table = table::read(text.as_bytes()).unwrap();
    parse(&table, "CH", &Language::parse("en").unwrap()).unwrap()
}

async fn apply(db: &Db, text: &str) -> apply::ImportPreview {
    apply::apply_import(db, &keys(), file(text), Absent::Stay, "hash", NOW, &actor())
        .await
        .unwrap()
}

fn kinds(preview: &apply::ImportPreview) -> Vec<&ChangeKind> {
    preview.people.iter().map(|row| &row.kind).collect()
}

async fn find(db: &Db, name: &str) -> contact::Contact {
    let everyone = contact::everyone(db, &keys()).await.unwrap();
    everyone
        .into_iter()
        .find(|contact| contact.name == name)
        .unwrap()
}

fn addresses(contact: &contact::Contact) -> Vec<&str> {
    let points = contact.points.iter();
    points.map(|point| point.address.reveal()).collect()
}

/// Puts a person into a new group, by the group.
async fn join(db: &Db, group: &str, person: &str) {
    let draft = group::GroupDraft {
        title: group.to_owned(),
        members: Some(vec![find(db, person).await.id]),
        ..group::GroupDraft::default()
    };
    group::create(db, draft, NOW, &actor()).await.unwrap();
}

const STAFF: &str = "\
name,email,mobile,language,role,groups,tags,room,id,manager
Ana Cruz,ana@clinic.example,079 123 45 67,es,nurse,All Staff;Night,keys,12,1,2
Bob Meier,bob@clinic.example,079 123 45 68,,chief,All Staff,,14,2,
,nobody@clinic.example,,,,,,,3,
";

on_both! {
    async fn a_dry_run_says_what_an_import_then_does(db: &Db) {
        let planned = apply::plan_import(db, &keys(), file(STAFF)).await.unwrap();
        assert_eq!((planned.new, planned.rejected.len()), (2, 1));
        assert_eq!(planned.new_groups.len(), 2);
        assert!(contact::everyone(db, &keys()).await.unwrap().is_empty());
        assert_eq!(apply(db, STAFF).await, planned);
        let ana = find(db, "Ana Cruz").await;
        let bob = find(db, "Bob Meier").await;
        assert_eq!(ana.groups, ["all-staff", "night"]);
        assert_eq!(ana.manager_id, Some(bob.id));
        assert_eq!(ana.language.as_str(), "es");
        assert_eq!(ana.fields["room"], "12");
        let all_staff = group::find_by_name(db, "all-staff").await.unwrap().unwrap();
        assert_eq!(all_staff.title, "All Staff");
        assert_eq!(entries(db, "contact.import").await, 1);
    }

    async fn the_same_file_again_changes_nothing(db: &Db) {
        apply(db, STAFF).await;
        let again = apply(db, STAFF).await;
        assert_eq!((again.new, again.changed, again.unchanged), (0, 0, 2));
        assert_eq!(contact::everyone(db, &keys()).await.unwrap().len(), 2);
    }

    async fn a_later_file_changes_what_it_says_and_erases_nothing(db: &Db) {
        apply(db, STAFF).await;
        let before = find(db, "Ana Cruz").await;
        let later = "name,mobile,role,groups,id\nAna Cruz,079 999 99 99,,Fire,1\n";
        let done = apply(db, later).await;
        assert_eq!((done.new, done.changed), (0, 1));
        let columns = ["mobile", "groups"].map(str::to_owned).to_vec();
        assert_eq!(kinds(&done), [&ChangeKind::Changed(columns)]);
        let after = find(db, "Ana Cruz").await;
        assert_eq!(after.id, before.id);
        assert_eq!(after.role, "nurse");
        assert_eq!(after.groups, ["all-staff", "fire", "night"]);
        assert_eq!(after.manager_id, before.manager_id);
        let mobiles: Vec<&str> = after
            .points
            .iter()
            .filter(|point| point.kind == PointKind::Mobile)
            .map(|point| point.address.reveal())
            .collect();
        assert_eq!(mobiles, ["+41799999999"]);
        let email = |contact: &contact::Contact| {
            contact.points.iter().find(|point| point.kind == PointKind::Email).unwrap().id
        };
        assert_eq!(email(&after), email(&before));
    }

    async fn a_file_takes_back_no_opt_out_and_brings_back_the_archived(db: &Db) {
        apply(db, STAFF).await;
        let ana = find(db, "Ana Cruz").await;
        let mobile = ana.points.iter().find(|point| point.kind == PointKind::Mobile).unwrap();
        opt_out(db, &mobile.address, NOW).await;
        contact::archive(db, ana.id, NOW, &actor()).await.unwrap();
        let done = apply(db, STAFF).await;
        assert_eq!((done.changed, done.unchanged), (1, 1));
        assert_eq!(done.people[0].kind, ChangeKind::Changed(vec!["archived".to_owned()]));
        let ana = find(db, "Ana Cruz").await;
        assert_eq!(ana.archived_at, None);
        let mobile = ana.points.iter().find(|point| point.kind == PointKind::Mobile).unwrap();
        assert_eq!(mobile.opted_out_at, Some(NOW));
    }

    async fn a_manager_nobody_knows_is_a_note(db: &Db) {
        let done = apply(db, "name,email,manager\nAna,ana@a.example,Zoe\nBob,bob@a.example,bob\n").await;
        assert_eq!(done.new, 2);
        assert_eq!(done.notes.len(), 2, "{:?}", done.notes);
        assert!(done.notes[0].message.contains("neither in the file"));
        assert!(done.notes[1].message.contains("their own manager"));
    }

    async fn an_export_read_back_changes_nothing(db: &Db) {
        apply(db, STAFF).await;
        apply(db, "name,phone,site\n=Ana,044 668 18 00 ext 12,-North\n").await;
        let bytes = export::export_csv(db, &keys(), NOW, &actor()).await.unwrap();
        let back = apply(db, &String::from_utf8(bytes).unwrap()).await;
        assert_eq!((back.new, back.changed, back.unchanged), (0, 0, 3), "{:?}", kinds(&back));
    }

    async fn thousands_of_people_are_one_transaction(db: &Db) {
        let mut text = String::from("name,mobile,email,groups,tags,id,manager\n");
        for n in 0..2500 {
            writeln!(
                text,
                "Person {n},079 {:07},p{n}@clinic.example,All;Team {},tag{},{n},{}",
                2_000_000 + n, n % 7, n % 3, (n + 1) % 2500
            )
            .unwrap();
        }
        assert_eq!(apply(db, &text).await.new, 2500);
        let again = apply(db, &text).await;
        assert_eq!((again.changed, again.unchanged), (0, 2500));
        let groups = group::list(db).await.unwrap();
        assert_eq!(groups.iter().find(|group| group.name == "all").unwrap().people, 2500);
        let first = find(db, "Person 2499").await;
        assert_eq!(first.manager_id, Some(find(db, "Person 0").await.id));
    }

    async fn two_imports_at_once_do_not_double_anyone(db: &Db) {
        let (first, second) = tokio::join!(apply(db, STAFF), apply(db, STAFF));
        assert_eq!(first.new + second.new, 2);
        assert_eq!(contact::everyone(db, &keys()).await.unwrap().len(), 2);
    }

    async fn who_is_not_in_a_whole_list_is_taken_out_of_use_and_comes_back_by_undo(db: &Db) {
        apply(db, STAFF).await;
        let ana = find(db, "Ana Cruz").await;
        let whole = "name,mobile,role,groups,id\nAna Cruz,079 999 99 99,chief,Fire,1\nCid Roth,079 123 45 69,,,9\n";
        let at = Timestamp(NOW.0 + 1000);
        let done = apply::apply_import(db, &keys(), file(whole), Absent::TakeOut, "hash", at, &actor()).await.unwrap();
        assert_eq!((done.new, done.changed, done.absent.len()), (1, 1, 1));
        assert_eq!(find(db, "Bob Meier").await.archived_at, Some(at));
        assert_eq!(find(db, "Ana Cruz").await.role, "chief");
        join(db, "late", "Ana Cruz").await;

        let later = Timestamp(NOW.0 + 2000);
        let undone = undo::undo_import(db, &keys(), None, later, &actor()).await.unwrap();

        assert_eq!((undone.restored, undone.taken_out), (2, 1));
        let back = find(db, "Ana Cruz").await;
        assert_eq!((&back.role, &back.fields, &back.tags), (&ana.role, &ana.fields, &ana.tags));
        assert_eq!(addresses(&back), addresses(&ana));
        assert_eq!(back.groups, ["all-staff", "late", "night"]);
        assert_eq!(back.manager_id, ana.manager_id);
        assert_eq!(find(db, "Bob Meier").await.archived_at, None);
        assert_eq!(find(db, "Cid Roth").await.archived_at, Some(later));
        assert_eq!(entries(db, "contact.import_undo").await, 1);
        let again = undo::undo_import(db, &keys(), None, later, &actor()).await.unwrap_err();
        assert!(again.to_string().contains("no import that can be undone"), "{again}");
    }

    async fn an_import_is_not_undone_over_what_somebody_changed_since(db: &Db) {
        apply(db, STAFF).await;
        let ana = find(db, "Ana Cruz").await;
        contact::archive(db, ana.id, Timestamp(NOW.0 + 1), &actor()).await.unwrap();

        let refused = undo::undo_import(db, &keys(), None, Timestamp(NOW.0 + 2), &actor()).await.unwrap_err();

        assert!(refused.to_string().starts_with("Ana Cruz were changed after this import"), "{refused}");
        assert_eq!(find(db, "Bob Meier").await.archived_at, None);
        assert_eq!(entries(db, "contact.import_undo").await, 0);
    }

    async fn a_list_that_lacks_many_or_has_rows_that_cannot_be_read_takes_nobody_out(db: &Db) {
        let mut everyone = "name,mobile\n".to_owned();
        for number in 10..30 {
            writeln!(everyone, "Person {number},07912345{number}").unwrap();
        }
        apply(db, &everyone).await;
        let take_out = async |text: &str| {
            let taken = apply::apply_import(db, &keys(), file(text), Absent::TakeOut, "hash", NOW, &actor()).await;
            taken.unwrap_err().to_string()
        };

        let half: String = everyone.split_inclusive('\n').take(11).collect();
        assert!(take_out(&half).await.contains("10 of 20 people are not in the file"));
        let one_wrong = everyone.replace("Person 29,0791234529", "Person 29,12");
        assert!(take_out(&one_wrong).await.contains("cannot be read"));

        let people = contact::everyone(db, &keys()).await.unwrap();
        assert_eq!(people.iter().filter(|contact| contact.archived_at.is_none()).count(), 20);
        assert_eq!(entries(db, "contact.import").await, 1);
    }
}
