//! Rows and files that are refused, each with every reason at once.

use super::*;

#[test]
fn a_file_without_a_name_column_says_what_it_has_and_needs() {
    let error = try_parse("product,price\nx,1\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "the file has no column \"name\": it has product, price, and a directory needs name and at least one of email, mobile, phone"
    );
}

#[test]
fn a_file_without_contact_points_says_so() {
    let error = try_parse("name,role\nAna,nurse\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "the file has none of the columns email, mobile, phone: it has name, role, and nobody in it could be reached"
    );
}

#[test]
fn a_file_without_a_header_line_is_recognised_and_its_first_person_not_repeated() {
    let error = try_parse("Ana Pérez,ana@b.example\nLuis,l@b.example\n").unwrap_err();
    assert_eq!(error, WrongColumns::NoHeaderLine);
    assert_eq!(
        try_parse("Ana;079 123 45 67\n").unwrap_err(),
        WrongColumns::NoHeaderLine
    );
}

#[test]
fn two_columns_of_one_meaning_are_refused() {
    let error = try_parse("name,E-Mail,mail\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "the columns \"E-Mail\" and \"mail\" both mean email: rename or delete one of them"
    );
}

#[test]
fn a_region_that_is_no_country_refuses_the_file_not_every_row() {
    let table = table::read(b"name,phone\nAna,0791234567\n").unwrap();
    let error = parse(&table, "Europe", &Language("en".to_owned())).unwrap_err();
    assert_eq!(error, WrongColumns::Region("Europe".to_owned()));
}

#[test]
fn a_row_without_a_name_is_rejected() {
    assert_eq!(
        reasons("name,email", " ,a@b.example"),
        ["the name is empty"]
    );
    assert_eq!(
        reasons("name,email", "\"\u{202e}\",a@b.example"),
        ["the name is empty"]
    );
}

#[test]
fn a_name_of_200_characters_is_accepted_and_one_more_is_not() {
    let row = |length: usize| format!("{},a@b.example", "é".repeat(length));
    assert_eq!(person("name,email", &row(200)).name.chars().count(), 200);
    assert_eq!(
        reasons("name,email", &row(201)),
        ["the name is longer than 200 characters"]
    );
}

#[test]
fn a_person_who_could_not_be_reached_is_rejected() {
    assert_eq!(
        reasons("name,email,mobile", "Ana,,"),
        ["no e-mail address and no phone number: this person could not be reached"]
    );
}

#[test]
fn an_unreadable_address_is_rejected_even_beside_a_good_one_and_never_repeated() {
    assert_eq!(
        reasons("name,E-Mail,Handy", "Ana,ana@localhost,079 123 45 67"),
        ["column \"E-Mail\": not an e-mail address: the part after the @ has no dot"]
    );
    assert_eq!(
        reasons("name,E-Mail,Handy", "Ana,ana@b.example,079 123"),
        ["column \"Handy\": too short for a phone number in CH"]
    );
    assert_eq!(
        reasons("name,phone", "Ana,4.17912E+10"),
        [
            "column \"phone\": shortened by the spreadsheet, digits are missing: format the column as text and save it again"
        ]
    );
}

#[test]
fn a_category_that_is_none_of_the_four_is_rejected() {
    assert_eq!(
        reasons("name,email,category", "Ana,a@b.example,alien"),
        ["the category is none of staff, patient, vendor, authority"]
    );
}

#[test]
fn a_row_with_more_cells_than_columns_is_rejected() {
    let reasons = reasons("name,email", "Pérez, Ana,a@b.example");
    assert!(
        reasons[0].starts_with("the row has more cells than there are columns"),
        "{reasons:?}"
    );
}

#[test]
fn every_reason_is_given_at_once_and_the_good_rows_stay() {
    let parsed = parsed("name,email,category\n,bad,alien\nAna,a@b.example,\n");
    assert_eq!(parsed.rejected.len(), 1);
    assert_eq!(
        (parsed.rejected[0].line, parsed.rejected[0].reasons.len()),
        (2, 3)
    );
    assert_eq!(parsed.people.len(), 1);
}

#[test]
fn overlong_cells_and_groups_are_rejected() {
    let long = reasons(
        "name,email,note",
        &format!("Ana,a@b.example,{}", "x".repeat(2_001)),
    );
    assert_eq!(long, ["column \"note\": longer than 2,000 characters"]);
    let group = reasons(
        "name,email,groups",
        &format!("Ana,a@b.example,{}", "x".repeat(101)),
    );
    assert_eq!(group, ["one of the groups is longer than 100 characters"]);
}
