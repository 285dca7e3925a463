//! Files of people, applied.

use std::fmt::Write as _;

use muster::alert::words::Language;
use muster::directory::contact::{self, PointKind};
use muster::directory::import::{ChangeKind, Parsed, parse};
use muster::directory::{apply, export, group, table};
use muster::storage::Db;

use crate::ground::{NOW, actor, entries, keys, opt_out};

fn file(text: &str) -> Parsed {
    let table = table::read(text.as_bytes()).unwrap();
    parse(&table, "CH", &Language::parse("en").unwrap()).unwrap()
}

async fn apply(db: &Db, text: &str) -> apply::ImportPreview {
    apply::apply_import(db, &keys(), file(text), "hash", NOW, &actor())
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
}
