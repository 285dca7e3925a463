//! Invents the people of Riverside Clinic, the fictitious clinic of the demonstration. Pure.
//!
//! Nobody in here exists. Phone numbers are from 555-0100 to 555-0199, which are kept free for
//! fiction in every North American area code and are valid all the same; mail addresses end in
//! `.example`, which leads nowhere.

mod names;
mod partners;
mod roster;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::alert::words::{Category, Language};
use names::{PATIENTS, SPANISH_SPEAKING_PATIENTS};
use partners::{PARTNERS, Partner};
use roster::{STAFF, StaffMember};

/// The clinic's name.
pub const ORGANISATION: &str = "Riverside Clinic";

/// The clinic's two sites, the larger first.
pub const SITES: [&str; 2] = ["Main building", "Harbour annex"];

/// The groups of the demonstration, by name, with the titles shown on the page.
pub const GROUPS: &[(&str, &str)] = &[
    ("all-staff", "All staff"),
    ("on-site", "Staff on site now"),
    ("clinicians", "Clinicians"),
    ("nurses", "Nurses"),
    ("off-shift-nurses", "Nurses off shift"),
    ("reception", "Reception"),
    ("it-team", "IT team"),
    ("managers", "Managers"),
    ("todays-patients", "Today's patients"),
    ("all-patients", "All patients"),
    ("vendors", "Vendors"),
    ("authorities", "Authorities"),
];

/// How many people one person phones at most.
pub const CALLS_EACH: usize = 7;

/// Someone who does not exist. Shows everything in `Debug`, because there is nobody to protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoPerson {
    /// First and last name, or what an organisation is called; no two are the same.
    pub name: String,
    /// What they are to the clinic.
    pub category: Category,
    /// What they do; empty for patients.
    pub role: String,
    /// One of [`SITES`]; empty for vendors and authorities.
    pub site: String,
    /// The department; empty for everyone who is not staff.
    pub unit: String,
    /// E.164; none = no mobile phone.
    pub mobile: Option<String>,
    /// The landline, E.164.
    pub phone: Option<String>,
    /// `local@domain`.
    pub email: Option<String>,
    /// English or Spanish.
    pub language: Language,
    /// Some of [`GROUPS`], by name; nobody is in none.
    pub groups: Vec<String>,
    /// What else they are: `first-aid`, `fire-warden`, `on-call`.
    pub tags: Vec<String>,
    /// The name of the person they report to.
    pub manager: Option<String>,
    /// What messages say to each person in particular. Patients: `appointment` and `new_time`.
    pub fields: BTreeMap<String, String>,
}

/// Everyone: 40 staff, 120 patients with appointments today, 8 vendors and authorities, in that
/// order. The same region and seed always give the same people; another seed shuffles who has
/// which number, address and appointment.
///
/// The region "CA" gets Canadian area codes; every other one American ones.
pub fn directory(region: &str, seed: u64) -> Vec<DemoPerson> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut numbers = Numbers::new(region, &mut chance);
    let mut people: Vec<DemoPerson> = STAFF
        .iter()
        .map(|member| staff_member(member, &mut numbers))
        .collect();
    people.extend(patients(&mut numbers, &mut chance));
    people.extend(
        PARTNERS
            .iter()
            .map(|partner| partner_contact(partner, &mut numbers)),
    );
    people
}

/// Who phones whom when nothing else works: along the reporting lines, from the top. Each caller
/// has at most [`CALLS_EACH`] people; whoever is too many is phoned by a colleague instead. Only
/// people who report to someone, or to whom someone reports, are in it, each called once.
pub fn call_tree(people: &[DemoPerson]) -> Vec<(String, Vec<String>)> {
    let mut reports: HashMap<&str, VecDeque<&str>> = HashMap::new();
    for person in people {
        if let Some(manager) = &person.manager {
            reports.entry(manager).or_default().push_back(&person.name);
        }
    }
    let is_top = |person: &&DemoPerson| {
        person.manager.is_none() && reports.contains_key(person.name.as_str())
    };
    let mut callers: VecDeque<&str> = people
        .iter()
        .filter(is_top)
        .map(|person| person.name.as_str())
        .collect();
    let mut reached: HashSet<&str> = callers.iter().copied().collect();
    let mut tree = Vec::new();
    while let Some(caller) = callers.pop_front() {
        let mut own = reports.remove(caller).unwrap_or_default();
        own.retain(|name| reached.insert(name));
        let too_many = own.split_off(own.len().min(CALLS_EACH));
        for (name, colleague) in too_many.into_iter().zip(own.iter().cycle()) {
            reached.remove(name);
            reports.entry(colleague).or_default().push_back(name);
        }
        if !own.is_empty() {
            callers.extend(&own);
            tree.push((
                caller.to_owned(),
                own.into_iter().map(str::to_owned).collect(),
            ));
        }
    }
    tree
}

fn staff_member(member: &StaffMember, numbers: &mut Numbers) -> DemoPerson {
    let leads = STAFF.iter().any(|other| other.manager == member.name);
    let is_nurse = matches!(member.role, "Nurse" | "Charge nurse");
    let is_clinical = matches!(member.unit, "Medicine" | "Nursing" | "Pharmacy");
    let memberships = [
        ("all-staff", true),
        ("on-site", member.is_on_site),
        ("clinicians", is_clinical),
        ("nurses", is_nurse),
        ("off-shift-nurses", is_nurse && !member.is_on_site),
        ("reception", member.unit == "Reception"),
        ("it-team", member.unit == "IT"),
        ("managers", leads),
    ];
    let groups = memberships
        .iter()
        .filter(|(_, is_in)| *is_in)
        .map(|(name, _)| *name);
    DemoPerson {
        name: member.name.to_owned(),
        category: Category::Staff,
        role: member.role.to_owned(),
        site: member.site.to_owned(),
        unit: member.unit.to_owned(),
        mobile: member.has_mobile.then(|| numbers.next()),
        phone: (!member.has_mobile || leads).then(|| numbers.next()),
        email: Some(mail_address(member.name, "riverside.example")),
        language: Language(member.language.to_owned()),
        groups: groups.map(str::to_owned).collect(),
        tags: member.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        manager: (!member.manager.is_empty()).then(|| member.manager.to_owned()),
        fields: BTreeMap::new(),
    }
}

/// How a patient can be reached.
enum Reach {
    Mobile,
    MobileAndEmail,
    LandlineOnly,
    EmailOnly,
    /// On the phone of the patient before.
    SharedPhone,
    Nothing,
}

/// The cases that every demonstration must show, and otherwise what is usual.
fn reach_of(place: usize) -> Reach {
    match place {
        1 => Reach::SharedPhone,
        2 => Reach::EmailOnly,
        3 | 4 => Reach::Nothing,
        5 | 24 | 43 | 62 | 81 | 115 => Reach::LandlineOnly,
        _ if place % 5 < 3 => Reach::MobileAndEmail,
        _ => Reach::Mobile,
    }
}

fn patients(numbers: &mut Numbers, chance: &mut StdRng) -> Vec<DemoPerson> {
    let english = PATIENTS.iter().map(|name| (*name, "en"));
    let spanish = SPANISH_SPEAKING_PATIENTS.iter().map(|name| (*name, "es"));
    let mut today = slots();
    let mut tomorrow = slots();
    today.shuffle(chance);
    tomorrow.shuffle(chance);
    let mut patients: Vec<DemoPerson> = Vec::new();
    for (place, ((name, language), slots)) in english
        .chain(spanish)
        .zip(today.iter().zip(&tomorrow))
        .enumerate()
    {
        let before = patients.last().and_then(|patient| patient.mobile.clone());
        patients.push(patient(
            name,
            language,
            slots,
            &reach_of(place),
            before,
            numbers,
        ));
    }
    patients
}

fn patient(
    name: &str,
    language: &str,
    (today, tomorrow): (&Slot, &Slot),
    reach: &Reach,
    mobile_before: Option<String>,
    numbers: &mut Numbers,
) -> DemoPerson {
    let email = || Some(mail_address(name, "mail.example"));
    let (mobile, phone, email) = match reach {
        Reach::Mobile => (Some(numbers.next()), None, None),
        Reach::MobileAndEmail => (Some(numbers.next()), None, email()),
        Reach::LandlineOnly => (None, Some(numbers.next()), None),
        Reach::EmailOnly => (None, None, email()),
        Reach::SharedPhone => (mobile_before, None, None),
        Reach::Nothing => (None, None, None),
    };
    let day = if language == "es" {
        "mañana"
    } else {
        "tomorrow"
    };
    let fields = [
        ("appointment".to_owned(), today.time.clone()),
        ("new_time".to_owned(), format!("{day} {}", tomorrow.time)),
    ];
    DemoPerson {
        name: name.to_owned(),
        category: Category::Patient,
        role: String::new(),
        site: today.site.to_owned(),
        unit: String::new(),
        mobile,
        phone,
        email,
        language: Language(language.to_owned()),
        groups: vec!["todays-patients".to_owned(), "all-patients".to_owned()],
        tags: Vec::new(),
        manager: None,
        fields: fields.into(),
    }
}

fn partner_contact(partner: &Partner, numbers: &mut Numbers) -> DemoPerson {
    let group = match partner.category {
        Category::Authority => "authorities",
        _ => "vendors",
    };
    DemoPerson {
        name: partner.name.to_owned(),
        category: partner.category,
        role: partner.role.to_owned(),
        site: String::new(),
        unit: String::new(),
        mobile: partner.has_mobile.then(|| numbers.next()),
        phone: Some(numbers.next()),
        email: Some(partner.email.to_owned()),
        language: Language("en".to_owned()),
        groups: vec![group.to_owned()],
        tags: Vec::new(),
        manager: None,
        fields: BTreeMap::new(),
    }
}

/// One place in a day's schedule.
struct Slot {
    time: String,
    site: &'static str,
}

/// A day's schedule: five rooms, one appointment every twenty minutes, the last at 17:40. Two of
/// the rooms are in the annex.
fn slots() -> Vec<Slot> {
    let rooms = [SITES[0], SITES[0], SITES[0], SITES[1], SITES[1]];
    let minutes = (8 * 60..18 * 60).step_by(20);
    minutes
        .flat_map(|minute| {
            rooms.map(|site| Slot {
                time: format!("{:02}:{:02}", minute / 60, minute % 60),
                site,
            })
        })
        .collect()
}

/// Phone numbers for fiction, each given out once.
struct Numbers(Vec<String>);

impl Numbers {
    fn new(region: &str, chance: &mut StdRng) -> Self {
        let area_codes = match region {
            "CA" => [416, 604, 514, 403],
            _ => [202, 206, 312, 617],
        };
        let all = area_codes
            .iter()
            .flat_map(|area| (100..200).map(move |line| format!("+1{area}5550{line}")));
        let mut all: Vec<String> = all.collect();
        all.shuffle(chance);
        Self(all)
    }

    fn next(&mut self) -> String {
        self.0
            .pop()
            .expect("there are more numbers than people who need one")
    }
}

/// `Zoë O'Brien-Łukasik` becomes `zoe.obrien-lukasik@domain`.
fn mail_address(name: &str, domain: &str) -> String {
    let mut local = String::new();
    for character in name.to_lowercase().chars() {
        match character {
            'a'..='z' | '-' => local.push(character),
            ' ' => local.push('.'),
            'á' | 'à' | 'ä' | 'ã' => local.push('a'),
            'é' | 'è' | 'ë' => local.push('e'),
            'í' | 'ï' => local.push('i'),
            'ó' | 'ö' | 'ø' => local.push('o'),
            'ú' | 'ü' => local.push('u'),
            'ñ' => local.push('n'),
            'ł' => local.push('l'),
            _ => {}
        }
    }
    format!("{local}@{domain}")
}

/// The groups that somebody is in.
pub fn groups_in_use(people: &[DemoPerson]) -> BTreeSet<&str> {
    people
        .iter()
        .flat_map(|person| &person.groups)
        .map(String::as_str)
        .collect()
}

#[cfg(test)]
mod tests;
