//! What people type into a phone-number cell, and the number that it means.

use proptest::prelude::*;

use super::*;

fn swiss(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text, "CH").unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn problem(text: &str) -> PhoneProblem {
    PhoneNumber::parse(text, "CH").unwrap_err()
}

#[test]
fn every_way_to_write_one_number_is_one_number() {
    let ways = [
        "+41791234567",
        "+41 79 123 45 67",
        "+41 (0)79 123 45 67",
        "(+41) 79 123 45 67",
        "0041791234567",
        "0041 (0)79 123 45 67",
        "+0041 79 123 45 67",
        "079 123 45 67",
        "(079) 123 45 67",
        "(0)79 123 45 67",
        "079.123.45.67",
        "079-123-45-67",
        "079/123 45 67",
        "079\u{a0}123\u{202f}45\u{a0}67",
        "079 123\u{2013}45\u{2013}67",
        "\u{202a}+41 79 123 45 67\u{202c}",
        "'+41791234567",
        "\u{2019}0791234567",
        "=\"0791234567\"",
        "tel:+41-79-123-45-67",
        "TEL: 079 123 45 67",
        "791234567",
        "791234567.0",
        "41791234567",
        "41791234567.0",
        "41791234567,0",
        "4.1791234567E+10",
        "4,1791234567E+10",
        "4.1791234567e10",
        "\u{ff0b}\u{ff14}\u{ff11}791234567",
        "+\u{664}\u{661}791234567",
    ];
    for way in ways {
        assert_eq!(swiss(way).as_e164(), "+41791234567", "{way:?}");
        assert_eq!(swiss(way).extension(), None, "{way:?}");
    }
}

#[test]
fn an_extension_is_kept_beside_the_number() {
    let ways = [
        "044 668 18 00 ext. 12",
        "044 668 18 00 ext 12",
        "044 668 18 00 Extension 12",
        "044 668 18 00 x12",
        "044 668 18 00 #12",
        "+41446681800;ext=12",
        "044 668 18 00 (ext. 12)",
        "044 668 18 00, ext: 12",
    ];
    for way in ways {
        assert_eq!(swiss(way).as_e164(), "+41446681800", "{way:?}");
        assert_eq!(swiss(way).extension(), Some("12"), "{way:?}");
    }
}

#[test]
fn a_float_that_lost_digits_is_refused_with_the_remedy() {
    assert_eq!(problem("4.17912E+10"), PhoneProblem::Rounded);
    assert_eq!(problem("4.18E+10"), PhoneProblem::Rounded);
    assert_eq!(problem("4.179123456E+10"), PhoneProblem::Rounded);
    assert!(
        PhoneProblem::Rounded
            .to_string()
            .contains("format the column as text")
    );
}

#[test]
fn numbers_of_other_countries_need_their_plus() {
    assert_eq!(swiss("+49 30 123456").as_e164(), "+4930123456");
    assert_eq!(swiss("0049 151 23456789").as_e164(), "+4915123456789");
    assert_eq!(
        problem("4915123456789").to_string(),
        "too long for a phone number in CH"
    );
}

#[test]
fn the_zero_in_brackets_stays_where_the_country_dials_it() {
    assert_eq!(swiss("+39 (0)2 3661 8300").as_e164(), "+390236618300");
    assert_eq!(swiss("+39 02 3661 8300").as_e164(), "+390236618300");
}

#[test]
fn a_country_code_without_plus_counts_only_where_the_number_makes_no_sense_at_home() {
    let american = PhoneNumber::parse("16502530000", "US").unwrap();
    assert_eq!(american.as_e164(), "+16502530000");
    let spanish = PhoneNumber::parse("34612345678", "ES").unwrap();
    assert_eq!(spanish.as_e164(), "+34612345678");
    // An area code that looks like the country code: at home this number is valid as it stands.
    let german = PhoneNumber::parse("04941 123456", "DE").unwrap();
    assert_eq!(german.as_e164(), "+494941123456");
}

#[test]
fn the_line_is_told_where_the_plan_tells_it() {
    assert_eq!(swiss("079 123 45 67").line(), Line::Mobile);
    assert_eq!(swiss("044 668 18 00").line(), Line::Landline);
    assert_eq!(swiss("+1 650 253 0000").line(), Line::Unknown);
}

#[test]
fn each_problem_is_a_plain_sentence_without_the_number() {
    let said = |text: &str| problem(text).to_string();
    assert_eq!(said(" \u{a0} "), "empty");
    assert_eq!(said("'"), "empty");
    assert_eq!(said("12"), "too short for a phone number in CH");
    assert_eq!(said("117"), "too short for a phone number in CH");
    assert_eq!(said("079 123"), "too short for a phone number in CH");
    assert_eq!(
        said("079 123 45 67 89 01"),
        "too long for a phone number in CH"
    );
    assert_eq!(
        said("+49 1"),
        "too short for a phone number with the country code +49"
    );
    assert_eq!(
        said("000000000"),
        "no country has the code that it starts with"
    );
    assert_eq!(
        said("+999 123 456"),
        "no country has the code that it starts with"
    );
    assert_eq!(
        said("039 123 45 67"),
        "not a phone number that exists in CH"
    );
    assert!(said("ask Ana").starts_with("not a phone number"));
    assert!(said("---").starts_with("not a phone number"));
    assert!(said("079 123 45 67 ext").starts_with("not a phone number"));
    assert!(said("tel:331-6005;phone-context=+64-3").starts_with("not a phone number"));
}

#[test]
fn two_numbers_in_one_cell_are_refused() {
    assert_eq!(
        problem("079 123 45 67 / 044 668 18 00"),
        PhoneProblem::SeveralNumbers
    );
    assert_eq!(
        problem("079 123 45 67, 044 668 18 00"),
        PhoneProblem::SeveralNumbers
    );
    assert_eq!(
        problem("+41791234567 +41446681800"),
        PhoneProblem::SeveralNumbers
    );
    assert_eq!(
        problem("079 123 45 67 or 044 668 18 00"),
        PhoneProblem::SeveralNumbers
    );
}

#[test]
fn a_region_that_is_no_country_is_named() {
    let problem = PhoneNumber::parse("079 123 45 67", "Switzerland").unwrap_err();
    assert_eq!(
        problem,
        PhoneProblem::NoSuchRegion("SWITZERLAND".to_owned())
    );
    assert_eq!(
        PhoneNumber::parse("079 123 45 67", "ch").unwrap().as_e164(),
        "+41791234567"
    );
}

#[test]
fn a_number_shows_itself_masked() {
    let number = swiss("079 123 45 67 ext 4455");
    assert_eq!(number.to_string(), "+41•••••567");
    assert_eq!(format!("{number:?}"), "PhoneNumber(+41•••••567, Mobile)");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".*", region in "[A-Z]{2}|CH|US|IT") {
        let read = PhoneNumber::parse(&text, &region);
        prop_assert!(read.is_err() || read.is_ok_and(|number| number.as_e164().starts_with('+')));
    }

    #[test]
    fn what_was_read_once_is_read_again_the_same(
        text in "(0|0041|\\+41|41)( |\\(0\\)|\\.)?(79|76|44|91)[ -]?[2-9][0-9]{6}(x[0-9]{1,3})?",
    ) {
        if let Ok(number) = PhoneNumber::parse(&text, "CH") {
            let again = PhoneNumber::parse(number.as_e164(), "CH");
            prop_assert_eq!(again.map(|again| again.as_e164().to_owned()), Ok(number.as_e164().to_owned()));
        }
    }
}
