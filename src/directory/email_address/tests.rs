//! What people type into an e-mail cell, and the address that it means.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> String {
    EmailAddress::parse(text)
        .unwrap_or_else(|problem| panic!("{text}: {problem}"))
        .as_str()
        .to_owned()
}

fn problem(text: &str) -> EmailProblem {
    EmailAddress::parse(text).unwrap_err()
}

#[test]
fn what_stands_around_an_address_is_taken_away() {
    assert_eq!(read(" ana@clinic.example\u{a0}"), "ana@clinic.example");
    assert_eq!(read("mailto:ana@clinic.example"), "ana@clinic.example");
    assert_eq!(read("MAILTO: ana@clinic.example"), "ana@clinic.example");
    assert_eq!(read("<ana@clinic.example>"), "ana@clinic.example");
    assert_eq!(
        read("Pérez, Ana <ana@clinic.example>"),
        "ana@clinic.example"
    );
    assert_eq!(read("'ana@clinic.example'"), "ana@clinic.example");
    assert_eq!(read("\u{feff}ana@clinic.example"), "ana@clinic.example");
}

#[test]
fn only_the_domain_is_lower_cased_and_the_lookup_form_is_lower_case_throughout() {
    let address = EmailAddress::parse("Ana.Perez@Clinic.EXAMPLE").unwrap();
    assert_eq!(address.as_str(), "Ana.Perez@clinic.example");
    assert_eq!(address.lookup_form(), "ana.perez@clinic.example");
}

#[test]
fn unusual_but_real_addresses_are_accepted() {
    assert_eq!(
        read("o'hara+icu@mail.clinic.example"),
        "o'hara+icu@mail.clinic.example"
    );
    assert_eq!(read("müller@klinik.example"), "müller@klinik.example");
    assert_eq!(
        read("ana@xn--klnik-gra.example"),
        "ana@xn--klnik-gra.example"
    );
}

#[test]
fn each_problem_is_told_apart() {
    assert_eq!(problem(" \u{a0}"), EmailProblem::Empty);
    assert_eq!(problem("<>"), EmailProblem::Empty);
    assert_eq!(problem("ana.clinic.example"), EmailProblem::NoAt);
    assert_eq!(problem("ana@@clinic.example"), EmailProblem::SeveralAts);
    assert_eq!(
        problem("ana@clinic.example; luis@clinic.example"),
        EmailProblem::SeveralAts
    );
    assert_eq!(problem("ana perez@clinic.example"), EmailProblem::Space);
    assert_eq!(problem("ana@localhost"), EmailProblem::NoDot);
    assert_eq!(problem("@clinic.example"), EmailProblem::LocalPart);
    assert_eq!(
        problem("ana..perez@clinic.example"),
        EmailProblem::LocalPart
    );
    assert_eq!(
        problem("\"ana\"perez@clinic.example"),
        EmailProblem::LocalPart
    );
    assert_eq!(problem("ana@"), EmailProblem::Domain);
    assert_eq!(problem("ana@clinic..example"), EmailProblem::Domain);
    assert_eq!(problem("ana@-clinic.example"), EmailProblem::Domain);
    assert_eq!(problem("ana@192.168.0.1"), EmailProblem::Domain);
    assert_eq!(problem("ana@clinic.example."), EmailProblem::Domain);
}

#[test]
fn a_line_break_cannot_smuggle_a_header_in() {
    assert_eq!(
        problem("ana@clinic.example\r\nBcc:x"),
        EmailProblem::ControlCharacters
    );
    assert_eq!(
        problem("ana\0@clinic.example"),
        EmailProblem::ControlCharacters
    );
    assert_eq!(
        problem("ana\u{202e}@clinic.example"),
        EmailProblem::ControlCharacters
    );
}

#[test]
fn an_address_longer_than_mail_allows_is_refused() {
    assert_eq!(
        problem(&format!("ana@{}.example", "a.".repeat(130))),
        EmailProblem::TooLong
    );
    assert_eq!(
        problem(&format!("{}@clinic.example", "a".repeat(65))),
        EmailProblem::LocalPart
    );
}

#[test]
fn an_address_shows_itself_masked_and_its_problem_does_not_repeat_it() {
    let address = EmailAddress::parse("ana@clinic.example").unwrap();
    assert_eq!(
        format!("{address:?} {address}"),
        "EmailAddress(a•••@clinic.example) a•••@clinic.example"
    );
    assert!(!problem("ana@localhost").to_string().contains("ana"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".*") {
        let read = EmailAddress::parse(&text);
        prop_assert!(read.is_err() || read.is_ok_and(|address| address.as_str().contains('@')));
    }

    #[test]
    fn the_mail_library_takes_whatever_was_accepted(text in "[a-zA-Zäé0-9.+'<>-]{1,12}@[a-zA-Z0-9.-]{1,12}\\.[a-zäñ]{2,5}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            prop_assert!(address.as_str().parse::<lettre::Address>().is_ok());
        }
    }
}
