//! What the invented directory promises the demonstration.

use std::path::Path;

use super::*;

fn everyone() -> Vec<DemoPerson> {
    directory("US", 1)
}

fn count(wanted: impl Fn(&DemoPerson) -> bool) -> usize {
    everyone().iter().filter(|person| wanted(person)).count()
}

fn members(group: &str) -> usize {
    count(|person| person.groups.iter().any(|name| name == group))
}

#[test]
fn there_are_as_many_people_as_promised() {
    assert_eq!(count(|person| person.category == Category::Staff), 40);
    assert_eq!(count(|person| person.category == Category::Patient), 120);
    assert_eq!(count(|person| person.category == Category::Vendor), 5);
    assert_eq!(count(|person| person.category == Category::Authority), 3);
    assert_eq!(
        count(|person| person.site == SITES[1]).min(40),
        40,
        "the annex is not empty"
    );
}

#[test]
fn the_same_seed_gives_the_same_people_and_another_one_others() {
    assert_eq!(directory("US", 1), directory("US", 1));
    assert_ne!(directory("US", 1), directory("US", 2));
}

#[test]
fn every_number_is_valid_and_kept_free_for_fiction() {
    for region in ["US", "CA"] {
        for person in directory(region, 3) {
            for number in person.mobile.iter().chain(&person.phone) {
                let parsed = phonenumber::parse(None, number).unwrap();
                assert!(phonenumber::is_valid(&parsed), "{number}");
                assert_eq!(parsed.country().id().unwrap().as_ref(), region, "{number}");
                assert_eq!((number.len(), &number[5..9]), (12, "5550"), "{number}");
                assert_eq!(&number[9..10], "1", "{number}");
            }
        }
    }
}

#[test]
fn every_mail_address_leads_nowhere() {
    for email in everyone()
        .iter()
        .filter_map(|person| person.email.as_deref())
    {
        assert!(email.is_ascii() && email.ends_with(".example"), "{email}");
        let parsed: Result<lettre::Address, _> = email.parse();
        assert!(parsed.is_ok(), "{email}");
    }
    assert_eq!(
        mail_address("Siobhán O'Brien-Núñez", "x.example"),
        "siobhan.obrien-nunez@x.example"
    );
}

#[test]
fn no_two_people_are_the_same_and_one_phone_is_shared_by_two() {
    let people = everyone();
    let names: HashSet<&str> = people.iter().map(|person| person.name.as_str()).collect();
    assert_eq!(names.len(), people.len());
    let emails: Vec<&String> = people
        .iter()
        .filter_map(|person| person.email.as_ref())
        .collect();
    assert_eq!(emails.iter().collect::<HashSet<_>>().len(), emails.len());
    let numbers: Vec<&String> = people
        .iter()
        .flat_map(|person| person.mobile.iter().chain(&person.phone))
        .collect();
    assert_eq!(
        numbers.iter().collect::<HashSet<_>>().len(),
        numbers.len() - 1
    );
    let shared = |name| {
        people
            .iter()
            .find(|person| person.name == name)
            .unwrap()
            .mobile
            .clone()
    };
    assert!(shared("Harold Whitfield").is_some());
    assert_eq!(shared("Harold Whitfield"), shared("June Whitfield"));
}

#[test]
fn the_awkward_cases_are_there() {
    let has = |person: &DemoPerson| {
        (
            person.mobile.is_some(),
            person.phone.is_some(),
            person.email.is_some(),
        )
    };
    assert_eq!(
        count(|person| has(person) == (false, false, false)),
        2,
        "unreachable"
    );
    assert_eq!(
        count(|person| has(person) == (false, false, true)),
        1,
        "e-mail alone"
    );
    assert_eq!(
        count(|person| has(person) == (false, true, false)),
        6,
        "landline alone"
    );
    let on_staff = |person: &DemoPerson| person.category == Category::Staff;
    assert_eq!(
        count(|person| on_staff(person) && person.mobile.is_none()),
        2,
        "no mobile"
    );
}

#[test]
fn a_fifth_of_the_patients_read_spanish_and_are_written_to_in_it() {
    let people = everyone();
    let patients = people
        .iter()
        .filter(|person| person.category == Category::Patient);
    let spanish: Vec<_> = patients
        .filter(|person| person.language.as_str() == "es")
        .collect();
    assert_eq!(spanish.len(), 24);
    assert!(
        spanish
            .iter()
            .all(|person| person.fields["new_time"].starts_with("mañana "))
    );
}

#[test]
fn every_patient_has_an_appointment_today_and_a_time_of_their_own_tomorrow() {
    let people = everyone();
    let patients = people
        .iter()
        .filter(|person| person.category == Category::Patient);
    let mut at_once: HashMap<&str, usize> = HashMap::new();
    for patient in patients {
        let time = patient.fields["appointment"].as_str();
        assert!(
            ("08:00".."18:00").contains(&time) && time.len() == 5,
            "{time}"
        );
        *at_once.entry(time).or_default() += 1;
        let (_, new_time) = patient.fields["new_time"].split_once(' ').unwrap();
        assert!(("08:00".."18:00").contains(&new_time), "{new_time}");
    }
    assert!(
        at_once.values().all(|count| *count <= 5),
        "there are five rooms"
    );
}

#[test]
fn groups_have_the_people_one_expects() {
    assert_eq!(members("all-staff"), 40);
    assert_eq!(members("todays-patients"), 120);
    assert_eq!(members("nurses"), 14);
    assert_eq!(members("off-shift-nurses"), 7);
    assert_eq!(members("it-team"), 3);
    assert_eq!(members("reception"), 5);
    assert_eq!(members("managers"), 11);
    assert_eq!((members("vendors"), members("authorities")), (5, 3));
    assert!((20..30).contains(&members("on-site")));
    let out_of_place = count(|person| {
        person.groups.iter().any(|group| group == "on-site") && person.category != Category::Staff
    });
    assert_eq!(out_of_place, 0);
}

#[test]
fn every_group_has_a_title_and_somebody_in_it() {
    let people = everyone();
    let titled: BTreeSet<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
    assert_eq!(groups_in_use(&people), titled);
}

#[test]
fn every_group_that_a_shipped_message_names_exists() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("message-templates");
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path().join("template.toml");
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let template: toml::Table = text.parse().unwrap();
        let audience = template["audience"].as_array().unwrap().clone();
        named.extend(
            audience
                .iter()
                .map(|group| group.as_str().unwrap().to_owned()),
        );
    }
    assert!(named.len() >= 4, "the messages were found");
    let people = everyone();
    let existing = groups_in_use(&people);
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !existing.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_call_tree_calls_all_staff_once_from_the_director_down() {
    let people = everyone();
    let tree = call_tree(&people);
    assert_eq!(tree[0].0, "Miriam Okafor");
    assert!(
        tree.iter()
            .all(|(_, callees)| (1..=CALLS_EACH).contains(&callees.len()))
    );
    let called: Vec<&String> = tree.iter().flat_map(|(_, callees)| callees).collect();
    let once: HashSet<&&String> = called.iter().collect();
    assert_eq!(
        (called.len(), once.len()),
        (39, 39),
        "everyone but the director"
    );
    // Nobody has to call before being called.
    let place = |name: &String| called.iter().position(|called| *called == name);
    assert!(tree[1..].iter().all(|(caller, _)| place(caller).is_some()));
    let managers: HashSet<&str> = people.iter().filter_map(|p| p.manager.as_deref()).collect();
    assert_eq!(tree.len(), managers.len());
}

fn reporting(name: &str, manager: Option<&str>) -> DemoPerson {
    DemoPerson {
        name: name.to_owned(),
        manager: manager.map(str::to_owned),
        ..directory("US", 1).remove(0)
    }
}

#[test]
fn a_manager_of_too_many_shares_the_calls_with_colleagues() {
    let mut people = vec![reporting("Top", None)];
    people.extend((0..60).map(|n| reporting(&format!("R{n}"), Some("Top"))));
    let tree = call_tree(&people);
    assert!(tree.iter().all(|(_, callees)| callees.len() <= CALLS_EACH));
    assert_eq!(
        tree.iter().map(|(_, callees)| callees.len()).sum::<usize>(),
        60
    );
    assert!(tree.len() > 8, "the second row has helpers of its own");
}

#[test]
fn reporting_in_a_circle_or_to_nobody_known_ends() {
    let circle = [
        reporting("A", Some("B")),
        reporting("B", Some("A")),
        reporting("C", Some("C")),
        reporting("D", Some("Nobody")),
    ];
    assert!(call_tree(&circle).is_empty());
    assert!(call_tree(&[]).is_empty());
}
