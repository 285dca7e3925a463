//! People and their contact points.

use muster::alert::words::Category;
use muster::channel::Address;
use muster::clock::Timestamp;
use muster::directory::contact::{self, PointKind, Wanted};
use muster::directory::{Error, export, group};
use muster::ids::ContactId;
use muster::storage::Db;

use crate::ground::{NOW, actor, entries, keys, opt_in, opt_out, person, sqlite};

const MOBILE: &str = "+41791234567";
const OTHER: &str = "+41797654321";

on_both! {
    async fn a_person_is_found_as_saved(db: &Db) {
        let points = [(PointKind::Mobile, MOBILE), (PointKind::Email, "ana@clinic.example")];
        let made = contact::create(db, &keys(), person("Ana Cruz", &points), NOW, &actor())
            .await
            .unwrap();
        let found = contact::find(db, &keys(), made.id).await.unwrap().unwrap();
        assert_eq!(found, made);
        assert_eq!(found.name, "Ana Cruz");
        assert_eq!(found.fields["room"], "12");
        assert_eq!(found.tags, ["keys"]);
        let mobile = found.points.iter().find(|p| p.kind == PointKind::Mobile).unwrap();
        assert_eq!((mobile.address.reveal(), mobile.rank), (MOBILE, 1));
        assert_eq!(contact::find(db, &keys(), ContactId::new()).await.unwrap(), None);
        let by_mail = Address::new("Ana@Clinic.example");
        let by_mail = contact::find_by_address(db, &keys(), &by_mail).await.unwrap();
        assert_eq!(by_mail, [made]);
    }

    async fn a_change_replaces_the_person_and_keeps_the_points_that_stay(db: &Db) {
        let points = [(PointKind::Mobile, MOBILE), (PointKind::Mobile, OTHER)];
        let made = contact::create(db, &keys(), person("Ana", &points), NOW, &actor()).await.unwrap();
        let first = made.points[0].clone();
        let mut draft = person("Ana Cruz", &[(PointKind::Mobile, OTHER), (PointKind::Mobile, MOBILE)]);
        draft.tags = vec!["driver".to_owned()];
        draft.fields.clear();
        let changed = contact::update(db, &keys(), made.id, draft, NOW, &actor()).await.unwrap();
        assert_eq!(changed.name, "Ana Cruz");
        assert_eq!(changed.tags, ["driver"]);
        assert!(changed.fields.is_empty());
        assert_eq!(changed.points.len(), 2);
        assert_eq!(changed.points[1].id, first.id);
        assert_eq!(changed.points[1].address.reveal(), MOBILE);
        let fewer = person("Ana Cruz", &[(PointKind::Landline, MOBILE)]);
        let changed = contact::update(db, &keys(), made.id, fewer, NOW, &actor()).await.unwrap();
        assert_eq!(changed.points.len(), 1);
        assert_eq!((changed.points[0].id, changed.points[0].kind), (first.id, PointKind::Landline));
    }

    async fn what_cannot_be_is_refused_and_leaves_nothing(db: &Db) {
        let mut draft = person("Ana", &[]);
        draft.external_id = Some("7".to_owned());
        contact::create(db, &keys(), draft.clone(), NOW, &actor()).await.unwrap();
        draft.groups = vec!["no-such-group".to_owned()];
        draft.manager_id = Some(ContactId::new());
        let error = contact::create(db, &keys(), draft, NOW, &actor()).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(sentences) if sentences.len() == 3), "{error}");
        assert!(contact::create(db, &keys(), person(" \r\n", &[]), NOW, &actor()).await.is_err());
        let stranger = ContactId::new();
        let nobody = contact::update(db, &keys(), stranger, person("B", &[]), NOW, &actor()).await;
        assert!(matches!(nobody, Err(Error::NotFound(_))));
        assert_eq!(contact::everyone(db, &keys()).await.unwrap().len(), 1);
        assert_eq!(entries(db, "contact.create").await, 1);
    }

    async fn an_archived_person_is_in_no_list_and_can_come_back(db: &Db) {
        let made = contact::create(db, &keys(), person("Ana", &[]), NOW, &actor()).await.unwrap();
        contact::archive(db, made.id, NOW, &actor()).await.unwrap();
        contact::archive(db, made.id, NOW, &actor()).await.unwrap();
        assert_eq!(entries(db, "contact.archive").await, 1);
        let page = contact::list(db, &keys(), &Wanted::default(), None, 10).await.unwrap();
        assert!(page.items.is_empty());
        let found = contact::find(db, &keys(), made.id).await.unwrap().unwrap();
        assert_eq!(found.archived_at, Some(NOW));
        let back = contact::update(db, &keys(), made.id, person("Ana", &[]), NOW, &actor()).await;
        assert_eq!(back.unwrap().archived_at, None);
    }

    async fn pages_follow_each_other_by_name_and_end(db: &Db) {
        for name in ["Cem", "Ana", "Bob", "Bob", "Dora"] {
            contact::create(db, &keys(), person(name, &[]), NOW, &actor()).await.unwrap();
        }
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = contact::list(db, &keys(), &Wanted::default(), after, 2).await.unwrap();
            assert!(page.items.len() <= 2);
            names.extend(page.items.into_iter().map(|contact| contact.name));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(names, ["Ana", "Bob", "Bob", "Cem", "Dora"]);
        let lost = contact::list(db, &keys(), &Wanted::default(), Some(ContactId::new()), 2).await;
        assert!(matches!(lost, Err(Error::NotFound(_))));
    }

    async fn a_list_is_narrowed_by_text_category_and_tag(db: &Db) {
        let mut vendor = person("100% Gas_Works", &[]);
        vendor.category = Category::Vendor;
        vendor.tags = vec!["Gas".to_owned()];
        vendor.site = "South".into();
        contact::create(db, &keys(), vendor, NOW, &actor()).await.unwrap();
        contact::create(db, &keys(), person("Ana Cruz", &[]), NOW, &actor()).await.unwrap();
        let names = async |wanted: Wanted| {
            let page = contact::list(db, &keys(), &wanted, None, 10).await.unwrap();
            page.items.into_iter().map(|contact| contact.name).collect::<Vec<_>>()
        };
        let text = |text: &str| Wanted { text: Some(text.to_owned()), ..Wanted::default() };
        assert_eq!(names(text("cRuZ")).await, ["Ana Cruz"]);
        assert_eq!(names(text("0% g")).await, ["100% Gas_Works"]);
        assert_eq!(names(text("s_w")).await, ["100% Gas_Works"]);
        assert_eq!(names(text("a_c")).await, Vec::<String>::new());
        assert_eq!(names(text("south")).await, ["100% Gas_Works"]);
        assert_eq!(names(text("  ")).await.len(), 2);
        let staff = Wanted { category: Some(Category::Staff), ..Wanted::default() };
        assert_eq!(names(staff).await, ["Ana Cruz"]);
        let gas = Wanted { tag: Some("gas".to_owned()), ..Wanted::default() };
        assert_eq!(names(gas).await, ["100% Gas_Works"]);
        let counts = contact::counts(db).await.unwrap();
        assert_eq!(counts, [(Category::Staff, 1), (Category::Vendor, 1)]);
    }

    async fn stop_holds_for_everyone_with_the_number_and_for_later_people(db: &Db) {
        let mobile = [(PointKind::Mobile, MOBILE)];
        let ana = contact::create(db, &keys(), person("Ana", &mobile), NOW, &actor()).await.unwrap();
        contact::create(db, &keys(), person("Bob", &mobile), NOW, &actor()).await.unwrap();
        let number = Address::new(MOBILE);
        let told = opt_out(db, &number, NOW).await;
        assert_eq!(told.len(), 2);
        let later = NOW.after(std::time::Duration::from_mins(5));
        opt_out(db, &number, later).await;
        assert_eq!(entries(db, "contact.opt_out").await, 1);
        let renamed = person("Ana Cruz", &mobile);
        let ana = contact::update(db, &keys(), ana.id, renamed, later, &actor()).await.unwrap();
        assert_eq!(ana.points[0].opted_out_at, Some(NOW));
        let cem = contact::create(db, &keys(), person("Cem", &mobile), later, &actor()).await.unwrap();
        assert_eq!(cem.points[0].opted_out_at, Some(NOW));
        let back = opt_in(db, &number, later).await;
        assert_eq!(back.len(), 3);
        let ana = contact::find(db, &keys(), ana.id).await.unwrap().unwrap();
        assert_eq!(ana.points[0].opted_out_at, None);
        let stranger = Address::new(OTHER);
        let nobody = opt_out(db, &stranger, NOW).await;
        assert!(nobody.is_empty());
    }

    async fn a_person_in_two_groups_is_listed_in_both(db: &Db) {
        for title in ["Night Shift", "Fire Team"] {
            let draft = group::GroupDraft { title: title.to_owned(), ..Default::default() };
            group::create(db, draft, NOW, &actor()).await.unwrap();
        }
        let mut draft = person("Ana", &[]);
        draft.groups = vec!["night-shift".to_owned(), "fire-team".to_owned()];
        let ana = contact::create(db, &keys(), draft.clone(), NOW, &actor()).await.unwrap();
        assert_eq!(ana.groups, ["fire-team", "night-shift"]);
        draft.groups.pop();
        let ana = contact::update(db, &keys(), ana.id, draft, NOW, &actor()).await.unwrap();
        assert_eq!(ana.groups, ["night-shift"]);
    }

    async fn an_export_holds_everyone_in_use_and_is_written_down(db: &Db) {
        let boss = contact::create(db, &keys(), person("Boss, The", &[]), NOW, &actor()).await.unwrap();
        let mut draft = person("=cmd", &[(PointKind::Mobile, MOBILE)]);
        draft.manager_id = Some(boss.id);
        contact::create(db, &keys(), draft, NOW, &actor()).await.unwrap();
        let gone = contact::create(db, &keys(), person("Gone", &[]), NOW, &actor()).await.unwrap();
        contact::archive(db, gone.id, NOW, &actor()).await.unwrap();
        let bytes = export::export_csv(db, &keys(), NOW, &actor()).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with(",external_id,manager,room"));
        assert_eq!(
            lines[1],
            "'=cmd,,'+41791234567,,en,staff,nurse,North,ICU,,keys,,\"Boss, The\",12"
        );
        assert_eq!(entries(db, "contact.export").await, 1);
    }
}

#[tokio::test]
async fn a_stolen_database_file_shows_no_number_no_address_and_no_field() {
    let folder = tempfile::tempdir().unwrap();
    let db = sqlite(folder.path()).await;
    let points = [
        (PointKind::Mobile, MOBILE),
        (PointKind::Email, "ana.cruz@clinic.example"),
    ];
    let mut draft = person("Ana", &points);
    draft.fields = [("knee_side".to_owned(), "hip surgery".to_owned())].into();
    let made = contact::create(&db, &keys(), draft, Timestamp(1), &actor())
        .await
        .unwrap();
    contact::archive(&db, made.id, NOW, &actor()).await.unwrap();
    let mut stolen = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        stolen.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |text: &str| {
        stolen
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("nurse"), "the file is not the one that was written");
    for secret in ["791234567", "ana.cruz", "hip surgery", "knee_side"] {
        assert!(!holds(secret), "{secret} is in the clear");
    }
}
