//! Who is new, who changes, and in what.

use super::*;
use crate::ids::ContactId;

const HEADER: &str = "id,name,email,mobile,phone,language,category,role,groups,tags,manager,shift";

/// The directory after importing these rows into an empty one.
fn directory(rows: &str) -> Vec<ExistingPerson> {
    incoming(rows).iter().map(known).collect()
}

fn incoming(rows: &str) -> Vec<ImportedPerson> {
    parsed(&format!("{HEADER}\n{rows}")).people
}

fn known(person: &ImportedPerson) -> ExistingPerson {
    ExistingPerson {
        id: ContactId::new(),
        external_id: person.external_id.clone(),
        name: person.name.clone(),
        points: person.points(),
        language: person.language.clone(),
        category: person.category,
        role: person.role.clone(),
        site: person.site.clone(),
        unit: person.unit.clone(),
        groups: person.groups.clone(),
        tags: person.tags.clone(),
        fields: person.fields.clone(),
        manager: person.manager.clone(),
    }
}

fn changed(fields: &[&str]) -> ChangeKind {
    ChangeKind::Changed(fields.iter().map(|field| (*field).to_owned()).collect())
}

/// What the second file does to the only person of the first.
fn change(before: &str, after: &str) -> ChangeKind {
    diff(&directory(before), &incoming(after)).remove(0).kind
}

const ANA: &str =
    "7,Ana Pérez,ana@b.example,079 123 45 67,044 668 18 00,es,patient,nurse,ICU,bls,Eva,day\n";

#[test]
fn the_same_file_again_changes_nothing() {
    assert_eq!(change(ANA, ANA), ChangeKind::Unchanged);
}

#[test]
fn someone_unknown_is_new() {
    let changes = diff(
        &directory(ANA),
        &incoming(",Luis Gil,luis@b.example,,,,,,,,,\n"),
    );
    assert_eq!(
        changes,
        [Change {
            line: 2,
            matched: None,
            kind: ChangeKind::New
        }]
    );
}

#[test]
fn an_empty_cell_erases_nothing() {
    assert_eq!(
        change(ANA, "7,Ana Pérez,ana@b.example,,,,,,,,,\n"),
        ChangeKind::Unchanged
    );
}

#[test]
fn each_changed_cell_is_named() {
    let after = "7,Ana Keller,ana.keller@b.example,078 123 45 67,044 668 18 01,de,staff,doctor,Night,als,Ida,night\n";
    let all = [
        "name", "email", "mobile", "phone", "language", "category", "role", "groups", "tags",
        "manager", "shift",
    ];
    assert_eq!(change(ANA, after), changed(&all));
}

#[test]
fn a_person_is_found_by_external_id_then_mailbox_then_name_and_number() {
    let people = directory(
        "7,Ana Pérez,ana@b.example,,,,,,,,,\n\
         ,Luis Gil,luis@b.example,,,,,,,,,\n\
         ,Eva Roth,,079 123 45 67,,,,,,,,\n",
    );
    let file = incoming(
        ",EVA ROTH,,,0791234567,,,,,,,\n\
         8,Luis Gil,LUIS@b.example,,,,,,,,,\n\
         7,Anna Perez,new@b.example,,,,,,,,,\n",
    );
    let matched: Vec<_> = diff(&people, &file)
        .iter()
        .map(|change| change.matched)
        .collect();
    assert_eq!(
        matched,
        [Some(people[2].id), Some(people[1].id), Some(people[0].id)]
    );
}

#[test]
fn a_new_surname_on_the_same_mailbox_is_the_same_person() {
    let after = ",Ana Keller,ana@b.example,,,,,,,,,\n";
    assert_eq!(change(ANA, after), changed(&["name"]));
}

#[test]
fn a_relative_on_the_same_mailbox_does_not_take_the_record() {
    assert_eq!(
        change(ANA, ",Luis Pérez,ana@b.example,,,,,,,,,\n"),
        ChangeKind::New
    );
}

#[test]
fn another_external_id_is_another_person() {
    assert_eq!(
        change(ANA, "8,Ana Pérez,ana@b.example,,,,,,,,,\n"),
        ChangeKind::New
    );
}

#[test]
fn nobody_in_the_directory_is_matched_twice() {
    let people = directory(",Ana Pérez,ana@b.example,,,,,,,,,\n");
    let file = incoming("1,Ana Pérez,ana@b.example,,,,,,,,,\n2,Ana Pérez,ana@b.example,,,,,,,,,\n");
    let matched: Vec<_> = diff(&people, &file)
        .iter()
        .map(|change| change.matched)
        .collect();
    assert_eq!(matched, [Some(people[0].id), None]);
}

#[test]
fn a_new_number_takes_the_place_of_the_first_of_its_kind() {
    let mut ana = directory("7,Ana,,079 123 45 67,,,,,,,,\n").remove(0);
    let second = Point {
        address: Address::new("+41761234567"),
        ..ana.points[0].clone()
    };
    ana.points.push(second);
    let merged = merge(&ana, &incoming("7,Ana,,078 123 45 67,,,,,,,,\n")[0]);
    let numbers: Vec<_> = merged
        .points
        .iter()
        .map(|point| point.address.reveal())
        .collect();
    assert_eq!(numbers, ["+41781234567", "+41761234567"]);
}

#[test]
fn a_number_known_as_a_landline_becomes_mobile_and_is_not_pushed_out() {
    let mut ana = directory("7,Ana,,079 123 45 67,,,,,,,,\n").remove(0);
    ana.points[0].kind = PointKind::Landline;
    let file = incoming("7,Ana,,079 123 45 67,044 668 18 00,,,,,,,\n");
    let merged = merge(&ana, &file[0]);
    let kinds: Vec<_> = merged
        .points
        .iter()
        .map(|point| (point.address.reveal(), point.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("+41791234567", PointKind::Mobile),
            ("+41446681800", PointKind::Landline)
        ]
    );
    assert_eq!(diff(&[merged], &file)[0].kind, ChangeKind::Unchanged);
}

#[test]
fn what_was_merged_is_unchanged_the_next_time() {
    let before = directory(ANA);
    let file = incoming(
        "7,Ana Keller,x@b.example,078 123 45 67,044 668 18 00 x4,de,,,Night;icu,ALS,,late\n",
    );
    let merged = merge(&before[0], &file[0]);
    assert_eq!(diff(&[merged], &file)[0].kind, ChangeKind::Unchanged);
    assert_ne!(diff(&before, &file)[0].kind, ChangeKind::Unchanged);
}

/// Comparing everyone with everyone would take minutes; this takes a moment even unoptimised.
#[test]
fn ten_thousand_people_on_one_mailbox_each_find_themselves() {
    let rows: Vec<String> = (0..10_000)
        .map(|number| format!(",Person{number} Family{number},all@b.example,,,,,,,,,"))
        .collect();
    let rows = rows.join("\n");
    let people = incoming(&rows);
    assert_eq!(people.len(), 10_000);
    let changes = diff(&directory(&rows), &people);
    assert!(
        changes
            .iter()
            .all(|change| change.kind == ChangeKind::Unchanged)
    );
}
