//! Lines that speak of one person, and addresses that several people share.

use super::*;

#[test]
fn the_same_external_id_is_the_same_person_and_later_cells_win() {
    let parsed = parsed(
        "id,name,email,mobile,role,groups,tags,shift\n\
         7,Ana Perez,old@b.example,,nurse,ICU,bls,day\n\
         8,Luis,l@b.example,,,,,\n\
         7,Ana Pérez,,079 123 45 67,,Night,BLS;als,night\n",
    );
    assert_eq!(parsed.people.len(), 2);
    let ana = &parsed.people[0];
    assert_eq!((ana.line, ana.name.as_str()), (2, "Ana Pérez"));
    assert_eq!(
        ana.email.as_ref().map(EmailAddress::as_str),
        Some("old@b.example")
    );
    assert_eq!(e164(ana.mobile.as_ref()), "+41791234567");
    assert_eq!(ana.role.as_deref(), Some("nurse"));
    let groups: Vec<_> = ana.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, ["icu", "night"]);
    assert_eq!(ana.tags, ["als", "bls"]);
    assert_eq!(ana.fields["shift"], "night");
    assert_eq!(
        messages(&parsed),
        [(4, "line 4 is the same person as line 2: merged")]
    );
}

#[test]
fn the_same_mailbox_with_names_that_can_be_one_is_the_same_person() {
    let people = |one: &str, other: &str| {
        parsed(&format!(
            "name,email\n\"{one}\",Ana@b.example\n\"{other}\",ana@B.example\n"
        ))
        .people
        .len()
    };
    assert_eq!(people("Ana Pérez", "ANA  PEREZ"), 1);
    assert_eq!(people("Ana Pérez", "Pérez, Ana"), 1);
    assert_eq!(people("Ana Pérez", "Dr. Ana Pérez Gil"), 1);
    assert_eq!(people("A. Pérez", "Ana Pérez"), 1);
}

#[test]
fn two_names_on_one_mailbox_are_two_people_and_noted() {
    let parsed = parsed("name,email\nAna Pérez,family@b.example\nLuis Pérez,family@b.example\n");
    assert_eq!(parsed.people.len(), 2);
    assert_eq!(
        messages(&parsed),
        [(
            3,
            "line 3 has the same e-mail address as line 2: both people are kept"
        )]
    );
}

#[test]
fn the_same_name_and_number_is_the_same_person_whichever_column_holds_it() {
    let parsed =
        parsed("name,mobile,phone\nAna Pérez,079 123 45 67,\nana  perez,,+41 79 123 45 67\n");
    assert_eq!(parsed.people.len(), 1);
    assert_eq!(parsed.people[0].points().len(), 1);
}

#[test]
fn two_names_with_one_phone_are_two_people_and_noted() {
    let parsed =
        parsed("name,phone\nAna,044 668 18 00\nLuis,044 668 18 00\nEva,044 668 18 00 x5\n");
    assert_eq!(parsed.people.len(), 3);
    assert_eq!(
        messages(&parsed),
        [(
            3,
            "line 3 has the same phone number as line 2: both people are kept"
        )]
    );
}

#[test]
fn two_external_ids_are_two_people_whatever_else_they_share() {
    let parsed =
        parsed("id,name,email,phone\n1,Ana,a@b.example,0446681800\n2,Ana,a@b.example,0446681800\n");
    assert_eq!(parsed.people.len(), 2);
}

#[test]
fn a_later_line_can_show_that_two_earlier_ones_are_one_person() {
    let parsed =
        parsed("id,name,email\n,Ana,a@b.example\n7,Ana,ana@b.example\n7,Ana,a@b.example\n");
    assert_eq!(parsed.people.len(), 1);
    assert_eq!(parsed.people[0].external_id.as_deref(), Some("7"));
    assert_eq!(parsed.people[0].line, 2);
}

#[test]
fn an_empty_cell_of_a_later_line_erases_neither_language_nor_category() {
    let parsed = parsed(
        "id,name,email,language,category\n7,Ana,a@b.example,es,patient\n7,Ana,,,\n7,Ana,a@b.example,,\n",
    );
    assert_eq!(parsed.people.len(), 1);
    let ana = &parsed.people[0];
    assert_eq!(
        (ana.language.as_str(), ana.category),
        ("es", Category::Patient)
    );
}
