//! Brings awkward spreadsheets into the directory, and takes the directory out again.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::house::House;

/// Saved by a spreadsheet program of a house that writes `;`: a byte-order mark, numbers as people
/// write them, one person twice, and rows that cannot be used.
const AWKWARD: &str = "\u{feff}Name;E-mail;Mobile;Groups;Language;Shoe size\r\n\
    Ana Cruz;ana@clinic.example;+1 (202) 555-0101;All Staff;es;38\r\n\
    Bo Li;;2025550102.0;All Staff|Night;;41\r\n\
    Ana Cruz;ana@clinic.example;202-555-0101;Night;;\r\n\
    Nobody;;;All Staff;;\r\n\
    Cid;;12;All Staff;;\r\n";

on_both! {
    fn good_rows_are_kept_and_bad_ones_are_told_with_their_reasons(house: &House) {
        house.write("staff.csv", AWKWARD.replace("All Staff|Night", "\"All Staff;Night\""));
        let done = house.run(&["contacts", "import", "staff.csv", "--json"]).json();
        assert_eq!(done["new"], 2, "{done}");
        let lines: Vec<i64> = done["rejected"].as_array().unwrap().iter()
            .map(|row| row["line"].as_i64().unwrap()).collect();
        assert_eq!(lines, [5, 6]);
        assert!(done["rejected"][1]["reasons"][0].as_str().unwrap().contains("Mobile"));

        let export = house.run(&["contacts", "export"]).text();
        assert!(export.contains("+12025550101") && export.contains("+12025550102"), "{export}");
        assert!(export.lines().next().unwrap().ends_with("shoe_size"), "{export}");
        assert_eq!(export.lines().count(), 3);
    }

    fn a_second_import_finds_everyone_unchanged(house: &House) {
        house.write("staff.csv", "name,mobile,role\nAna Cruz,+12025550101,nurse\n");
        house.run(&["contacts", "import", "staff.csv"]).ends(0);
        let again = house.run(&["contacts", "import", "staff.csv", "--json"]).json();
        assert_eq!((&again["new"], &again["unchanged"]), (&0.into(), &1.into()));
        house.write("staff.csv", "name,mobile,role\nAna Cruz,+12025550101,head nurse\n");
        let changed = house.run(&["contacts", "import", "staff.csv", "--dry-run"]).text();
        assert!(changed.contains("line 2: Ana Cruz: changed: role"), "{changed}");
    }

    fn a_dry_run_tells_every_row_and_changes_nothing(house: &House) {
        house.write("staff.csv", AWKWARD.replace("All Staff|Night", "All Staff"));
        let told = house.run(&["contacts", "import", "staff.csv", "--dry-run"]).text();
        assert!(told.starts_with("2 new, 0 changed, 0 unchanged, 2 rejected (dry run"), "{told}");
        for line in ["line 2: Ana Cruz: new", "line 3: Bo Li: new", "line 5: rejected", "line 6: rejected"] {
            assert!(told.contains(line), "{line} is not in {told}");
        }
        assert_eq!(house.run(&["contacts", "export"]).text().lines().count(), 1);
    }
}

#[test]
fn a_file_of_the_wrong_kind_is_refused_as_a_whole() {
    let house = House::new();
    house.write("staff.xlsx", b"PK\x03\x04rest of a workbook");
    house
        .run(&["contacts", "import", "staff.xlsx"])
        .fails("an Excel workbook");
    house.write("prices.csv", "article,price\nbandage,3.20\n");
    house
        .run(&["contacts", "import", "prices.csv"])
        .fails("no column \"name\"");
    house.write("empty.csv", "");
    house
        .run(&["contacts", "import", "empty.csv"])
        .fails("empty");
    house.write("bad.csv", "name,mobile\nCid,12\n");
    house
        .run(&["contacts", "import", "bad.csv"])
        .fails("nothing was changed");
    house
        .run(&["contacts", "import", "missing.csv"])
        .fails("missing.csv cannot be read");
    assert_eq!(house.run(&["contacts", "export"]).text().lines().count(), 1);
}

#[test]
fn a_workbook_and_cards_come_in_and_the_newest_goes_again() {
    let house = House::new();
    house.write("staff.xlsx", include_bytes!("../support/staff.xlsx"));
    let read = house.run(&["contacts", "import", "staff.xlsx"]).text();
    assert!(read.starts_with("1 new"), "{read}");
    house.write(
        "staff.vcf",
        "BEGIN:VCARD\nFN:Cora Lind\nTEL;CELL:+12025550177\nEND:VCARD\n",
    );
    let cards = house.run(&["contacts", "import", "staff.vcf", "--whole"]);
    assert!(cards.text().contains("1 not in the file: taken out of use"));
    let undone = house.run(&["contacts", "undo-import"]).text();
    assert!(
        undone.contains("1 as before, 1 taken out of use"),
        "{undone}"
    );
    house
        .run(&["contacts", "undo-import"])
        .fails("no import that can be undone");
}

#[test]
fn latin_1_and_stdin_are_read() {
    let house = House::new();
    house.write("staff.csv", b"name,mobile\nZo\xeb M\xfcller,+12025550101\n");
    house.run(&["contacts", "import", "staff.csv"]).ends(0);
    assert!(
        house
            .run(&["contacts", "export"])
            .text()
            .contains("Zoë Müller")
    );
    house
        .run_with(
            &["contacts", "import", "-"],
            "name,email\nBo,bo@clinic.example\n",
        )
        .ends(0);
    assert!(
        house
            .run(&["contacts", "export"])
            .text()
            .contains("bo@clinic.example")
    );
}

#[cfg(unix)]
#[test]
fn an_exported_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let house = House::new();
    house.write("staff.csv", "name,mobile\nAna,+12025550101\n");
    house.run(&["contacts", "import", "staff.csv"]).ends(0);
    house.run(&["contacts", "export", "out.csv"]).ends(0);
    let mode = std::fs::metadata(house.path("out.csv"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn whoever_reads_only_the_first_line_breaks_nothing() {
    use std::fmt::Write as _;

    let house = House::new();
    let mut staff = "name,email\n".to_owned();
    for number in 0..5000 {
        writeln!(staff, "Person {number},p{number}@clinic.example").unwrap();
    }
    house.write("staff.csv", staff);
    house.run(&["contacts", "import", "staff.csv"]).ends(0);
    let mut command = house.command(&["contacts", "import", "staff.csv", "--dry-run"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.contains("5000 unchanged"), "{first}");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}
