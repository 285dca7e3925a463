//! Rows as they come out of spreadsheets, read as people.

use proptest::prelude::*;

use super::*;

#[test]
fn a_full_row_becomes_a_person() {
    let ana = person(
        "name,email,mobile,phone,language,category,role,site,unit,groups,tags,id,manager,New time",
        "Ana Pérez,ana@clinic.example,079 123 45 67,044 668 18 00 x12,es,patient,nurse,North,ICU,All Staff;icu|Ski Club,bls; night,1001.0,Luis Gil,14:30",
    );
    assert_eq!(ana.line, 2);
    assert_eq!(ana.external_id.as_deref(), Some("1001"));
    assert_eq!(ana.name, "Ana Pérez");
    assert_eq!(
        ana.email.as_ref().map(EmailAddress::as_str),
        Some("ana@clinic.example")
    );
    assert_eq!(e164(ana.mobile.as_ref()), "+41791234567");
    assert_eq!(e164(ana.phone.as_ref()), "+41446681800");
    assert_eq!((ana.language.as_str(), ana.language_given), ("es", true));
    assert_eq!(
        (ana.category, ana.category_given),
        (Category::Patient, true)
    );
    assert_eq!(ana.role.as_deref(), Some("nurse"));
    assert_eq!(ana.site.as_deref(), Some("North"));
    assert_eq!(ana.unit.as_deref(), Some("ICU"));
    let groups: Vec<_> = ana
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group.title.as_str()))
        .collect();
    assert_eq!(
        groups,
        [
            ("all-staff", "All Staff"),
            ("icu", "icu"),
            ("ski-club", "Ski Club")
        ]
    );
    assert_eq!(ana.tags, ["bls", "night"]);
    assert_eq!(ana.manager.as_deref(), Some("Luis Gil"));
    assert_eq!(
        ana.fields,
        BTreeMap::from([("new_time".to_owned(), "14:30".to_owned())])
    );
    let kinds: Vec<_> = ana.points().iter().map(|point| point.kind).collect();
    assert_eq!(
        kinds,
        [PointKind::Email, PointKind::Mobile, PointKind::Landline]
    );
    assert_eq!(ana.points()[2].extension.as_deref(), Some("12"));
}

#[test]
fn headers_of_other_languages_are_understood() {
    let spanish = person(
        "Nombre;Correo electrónico;Móvil;Idioma;Departamento",
        "Ana;a@b.example;0791234567;es;UCI",
    );
    assert_eq!(spanish.name, "Ana");
    assert!(spanish.email.is_some() && spanish.mobile.is_some());
    assert_eq!(
        (spanish.language.as_str(), spanish.unit.as_deref()),
        ("es", Some("UCI"))
    );

    let german = person(
        "NAME;E-Mail;Handy;Telefon;Sprache;Standort",
        "Ana;a@b.example;0791234567;0446681800;Deutsch;Nord",
    );
    assert_eq!(german.points().len(), 3);
    assert_eq!(
        (german.language.as_str(), german.site.as_deref()),
        ("de", Some("Nord"))
    );

    let french = person(
        "Nom,Courriel,Portable,Langue préférée",
        "Ana,a@b.example,0791234567,français",
    );
    assert_eq!((french.points().len(), french.language.as_str()), (2, "fr"));

    let english = person(
        "Full name,Mail,Cell phone,Landline,Preferred language,Location,Department",
        "Ana,a@b.example,0791234567,0446681800,en,North,ICU",
    );
    assert_eq!(english.points().len(), 3);
    assert_eq!(
        (english.site.as_deref(), english.unit.as_deref()),
        (Some("North"), Some("ICU"))
    );
}

#[test]
fn a_name_in_two_columns_is_put_together() {
    let name = |header: &str, row: &str| person(header, row).name;
    assert_eq!(
        name("First name,Last name,email", "Ana,Pérez,a@b.example"),
        "Ana Pérez"
    );
    assert_eq!(
        name("Name,Vorname,E-Mail", "Pérez,Ana,a@b.example"),
        "Ana Pérez"
    );
    assert_eq!(
        name("Nombre,Apellidos,Correo", "Ana,Pérez Gil,a@b.example"),
        "Ana Pérez Gil"
    );
    assert_eq!(
        name(
            "Name,First name,Last name,Email",
            "Ana Pérez,Ana,Pérez,a@b.example"
        ),
        "Ana Pérez"
    );
    let fields = person("First name,Last name,email", "Ana,Pérez,a@b.example").fields;
    assert_eq!(fields.get("first_name").map(String::as_str), Some("Ana"));
}

#[test]
fn other_columns_become_fields_with_plain_names() {
    let parsed =
        parsed("name,email,Próxima cita (hora),,Notes,notes\nAna,a@b.example,9:00,x,one,two\n");
    let fields: Vec<_> = parsed.people[0]
        .fields
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("column_4", "x"),
            ("notes", "one"),
            ("notes_2", "two"),
            ("proxima_cita_hora", "9:00")
        ]
    );
    assert_eq!(
        parsed.file_columns[2].column,
        Column::Field("proxima_cita_hora".to_owned())
    );
    assert_eq!(parsed.file_columns[2].header, "Próxima cita (hora)");
    assert_eq!(parsed.file_columns[1].column, Column::Email);
}

#[test]
fn an_empty_category_is_staff_and_the_words_of_other_languages_count() {
    let category = |word: &str| {
        let person = person("name,email,category", &format!("Ana,a@b.example,{word}"));
        (person.category, person.category_given)
    };
    assert_eq!(category(""), (Category::Staff, false));
    assert_eq!(category("Staff"), (Category::Staff, true));
    assert_eq!(category("PATIENTS"), (Category::Patient, true));
    assert_eq!(category("pacientes"), (Category::Patient, true));
    assert_eq!(category("Proveedor"), (Category::Vendor, true));
    assert_eq!(category("Behörde"), (Category::Authority, true));
    assert_eq!(category("authorities"), (Category::Authority, true));
}

#[test]
fn an_unreadable_language_is_noted_and_the_default_used() {
    let parsed = parsed("name,email,language\nAna,a@b.example,Klingonish\nLuis,l@b.example,\n");
    assert_eq!(parsed.people[0].language.as_str(), "en");
    assert!(!parsed.people[0].language_given && !parsed.people[1].language_given);
    assert_eq!(
        messages(&parsed),
        [(
            2,
            "the language is not readable as a code such as en or es: en is used"
        )]
    );
}

#[test]
fn line_breaks_and_turned_writing_leave_a_name_with_a_note() {
    let parsed = parsed(
        "name,email\n\"Ana\r\nPérez\u{202e}\u{7}\",a@b.example\nLuis\u{a0}  Gil,l@b.example\n",
    );
    assert_eq!(parsed.people[0].name, "Ana Pérez");
    assert_eq!(parsed.people[1].name, "Luis Gil");
    assert_eq!(
        messages(&parsed),
        [(
            2,
            "column \"name\": line breaks or invisible characters were taken out"
        )]
    );
}

#[test]
fn a_mobile_number_in_the_phone_column_takes_texts_if_there_is_no_other() {
    let alone = person("name,mobile,phone", "Ana,,079 123 45 67");
    assert_eq!(
        (e164(alone.mobile.as_ref()), alone.phone.as_ref()),
        ("+41791234567", None)
    );
    let beside = person("name,mobile,phone", "Ana,078 123 45 67,079 123 45 67");
    assert_eq!(e164(beside.mobile.as_ref()), "+41781234567");
    assert_eq!(e164(beside.phone.as_ref()), "+41791234567");
    let twice = person("name,mobile,phone", "Ana,079 123 45 67,+41791234567");
    assert_eq!(twice.points().len(), 1);
    let landline = person("name,phone", "Ana,044 668 18 00");
    assert_eq!(landline.points()[0].kind, PointKind::Landline);
}

#[test]
fn a_landline_in_the_mobile_column_is_kept_with_a_note() {
    let parsed = parsed("name,mobile\nAna,044 668 18 00\n");
    assert_eq!(parsed.people[0].points()[0].kind, PointKind::Mobile);
    assert_eq!(
        messages(&parsed),
        [(
            2,
            "the mobile number looks like a landline: texts may not arrive"
        )]
    );
}

#[test]
fn where_no_plan_tells_mobiles_apart_a_file_without_a_mobile_column_still_takes_texts() {
    let only_phone = parsed("name,phone\nAna,+1 650 253 0000\n");
    assert_eq!(only_phone.people[0].points()[0].kind, PointKind::Mobile);
    assert_eq!(only_phone.file_notes.len(), 1);
    let both = parsed("name,mobile,phone\nAna,,+1 650 253 0000\n");
    assert_eq!(both.people[0].points()[0].kind, PointKind::Landline);
    assert_eq!(both.file_notes, Vec::<String>::new());
}

#[test]
fn a_dash_or_n_a_is_an_empty_cell() {
    let ana = person("name,email,mobile,phone", "Ana,a@b.example,-,n/a");
    assert_eq!(ana.points().len(), 1);
}

#[test]
fn nothing_that_is_shown_for_debugging_names_a_person() {
    let parsed = parsed("name,email,mobile\nAna Pérez,ana@b.example,079 123 45 67\nAna Pérez,x,\n");
    let shown = format!("{parsed:?} {:?}", parsed.people[0].points());
    assert!(
        !shown.contains("Pérez") && !shown.contains("ana@") && !shown.contains("4179123"),
        "{shown}"
    );
}

#[test]
fn a_header_alone_is_a_file_of_nobody() {
    assert_eq!(parsed("name,email\n").people, []);
}

proptest! {
    #[test]
    fn no_cells_make_the_import_panic(
        rows in proptest::collection::vec(proptest::collection::vec(".{0,12}", 0..7), 0..6),
    ) {
        let rows: Vec<_> = rows.into_iter().enumerate()
            .map(|(index, cells)| table::Row { line: index + 2, cells }).collect();
        let headers = ["name", "email", "phone", "groups", "category", "x"].map(str::to_owned).to_vec();
        let count = rows.len();
        let table = table::Table { headers, rows, form: table::Form::Cards };
        let parsed = parse(&table, "CH", &Language("en".to_owned())).unwrap();
        prop_assert!(parsed.people.len() + parsed.rejected.len() <= count);
    }

    #[test]
    fn no_column_becomes_a_field_that_an_export_could_not_give_back(
        odd in proptest::collection::vec("(\\PC{0,8}|[nN]ame ?[0-9]?|[Ee]-?mail_?|Group)", 0..4),
    ) {
        let headers = ["name", "mobile"].into_iter().map(str::to_owned).chain(odd).collect();
        let table = table::Table { headers, rows: Vec::new(), form: table::Form::Cards };
        let read = parse(&table, "CH", &Language("en".to_owned()));
        for column in read.map(|parsed| parsed.file_columns).unwrap_or_default() {
            if let Column::Field(name) = column.column {
                prop_assert_eq!(wrong_field(&name), None);
            }
        }
    }

    #[test]
    fn every_line_is_a_person_a_merged_line_or_a_rejected_one(
        people in proptest::collection::vec(("[AB]", "([ab]@b\\.example)?", "(079123456[0-2])?"), 0..12),
    ) {
        let rows: Vec<String> =
            people.iter().map(|(name, mail, phone)| format!("{name},{mail},{phone}")).collect();
        let parsed = parsed(&["name,email,phone", &rows.join("\n")].join("\n"));
        let merged = parsed.notes.iter().filter(|note| note.message.contains("same person")).count();
        prop_assert_eq!(parsed.people.len() + parsed.rejected.len() + merged, people.len());
    }
}
