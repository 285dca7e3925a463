//! Lists the staff of the fictitious clinic and who reports to whom.

/// Someone who works at the clinic.
pub(super) struct StaffMember {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) unit: &'static str,
    pub(super) site: &'static str,
    /// Whom they report to; empty at the top.
    pub(super) manager: &'static str,
    pub(super) is_on_site: bool,
    pub(super) has_mobile: bool,
    pub(super) language: &'static str,
    pub(super) tags: &'static [&'static str],
}

/// Whether someone is at work now.
#[derive(Clone, Copy)]
enum Shift {
    Here,
    Away,
}
use Shift::{Away, Here};

const MAIN: &str = super::SITES[0];
const ANNEX: &str = super::SITES[1];

const DIRECTOR: &str = "Miriam Okafor";
const MEDICAL: &str = "Samuel Adeyemi";
const ANNEX_LEAD: &str = "Elena Petrova";
const NURSING: &str = "Carmen Delgado";
const DAY_CHARGE: &str = "Grace Mwangi";
const NIGHT_CHARGE: &str = "Oleksandr Shevchenko";
const ANNEX_CHARGE: &str = "Hannah Lindqvist";
const OPERATIONS: &str = "Andrew Castellano";
const RECEPTION: &str = "Rosa Jimenez";
const IT: &str = "Dmitri Volkov";
const FACILITIES: &str = "Earl Jackson";

const fn works(
    name: &'static str,
    role: &'static str,
    (unit, site): (&'static str, &'static str),
    manager: &'static str,
    shift: Shift,
) -> StaffMember {
    let is_on_site = matches!(shift, Here);
    let (has_mobile, language, tags) = (true, "en", &[]);
    StaffMember {
        name,
        role,
        unit,
        site,
        manager,
        is_on_site,
        has_mobile,
        language,
        tags,
    }
}

impl StaffMember {
    const fn tagged(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }

    const fn spanish(self) -> Self {
        Self {
            language: "es",
            ..self
        }
    }

    const fn landline_only(self) -> Self {
        Self {
            has_mobile: false,
            ..self
        }
    }
}

/// Forty people in three lines of reporting. Nobody has more than seven reports.
pub(super) const STAFF: &[StaffMember] = &[
    works(DIRECTOR, "Clinic director", ("Management", MAIN), "", Here).tagged(&["on-call"]),
    works(
        MEDICAL,
        "Medical director",
        ("Medicine", MAIN),
        DIRECTOR,
        Here,
    )
    .tagged(&["on-call"]),
    works(
        "Priya Raman",
        "Physician",
        ("Medicine", MAIN),
        MEDICAL,
        Here,
    ),
    works(
        "Lukas Brandt",
        "Physician",
        ("Medicine", MAIN),
        MEDICAL,
        Here,
    ),
    works(
        "Mei-Ling Chen",
        "Physician",
        ("Medicine", MAIN),
        MEDICAL,
        Away,
    )
    .tagged(&["on-call"]),
    works(
        "Fatima El-Sayed",
        "Physician",
        ("Medicine", MAIN),
        MEDICAL,
        Here,
    ),
    works(
        "Thomas Gallagher",
        "Physician",
        ("Medicine", MAIN),
        MEDICAL,
        Away,
    ),
    works(
        ANNEX_LEAD,
        "Lead physician",
        ("Medicine", ANNEX),
        MEDICAL,
        Here,
    ),
    works(
        "Ricardo Fuentes",
        "Physician",
        ("Medicine", ANNEX),
        ANNEX_LEAD,
        Here,
    )
    .spanish(),
    works(
        "Aisha Bello",
        "Physician",
        ("Medicine", ANNEX),
        ANNEX_LEAD,
        Away,
    ),
    works(
        NURSING,
        "Director of nursing",
        ("Nursing", MAIN),
        DIRECTOR,
        Here,
    )
    .tagged(&["on-call"]),
    works(DAY_CHARGE, "Charge nurse", ("Nursing", MAIN), NURSING, Here).tagged(&["first-aid"]),
    works("Jamal Carter", "Nurse", ("Nursing", MAIN), DAY_CHARGE, Here),
    works("Sofia Romano", "Nurse", ("Nursing", MAIN), DAY_CHARGE, Here).tagged(&["fire-warden"]),
    works("Thuy Nguyen", "Nurse", ("Nursing", MAIN), DAY_CHARGE, Here),
    works(
        "Patrick Byrne",
        "Nurse",
        ("Nursing", MAIN),
        DAY_CHARGE,
        Away,
    ),
    works(
        NIGHT_CHARGE,
        "Charge nurse",
        ("Nursing", MAIN),
        NURSING,
        Away,
    )
    .tagged(&["first-aid"]),
    works("Ngozi Eze", "Nurse", ("Nursing", MAIN), NIGHT_CHARGE, Away),
    works(
        "Mateusz Kowalski",
        "Nurse",
        ("Nursing", MAIN),
        NIGHT_CHARGE,
        Away,
    ),
    works(
        "Leila Farahani",
        "Nurse",
        ("Nursing", MAIN),
        NIGHT_CHARGE,
        Away,
    ),
    works(
        "Joseph Tuiasosopo",
        "Nurse",
        ("Nursing", MAIN),
        NIGHT_CHARGE,
        Away,
    ),
    works(
        ANNEX_CHARGE,
        "Charge nurse",
        ("Nursing", ANNEX),
        NURSING,
        Here,
    )
    .tagged(&["first-aid"]),
    works(
        "María Santos",
        "Nurse",
        ("Nursing", ANNEX),
        ANNEX_CHARGE,
        Here,
    )
    .spanish(),
    works(
        "Kenji Watanabe",
        "Nurse",
        ("Nursing", ANNEX),
        ANNEX_CHARGE,
        Here,
    ),
    works(
        "Abigail Stone",
        "Nurse",
        ("Nursing", ANNEX),
        ANNEX_CHARGE,
        Away,
    ),
    works(
        OPERATIONS,
        "Operations manager",
        ("Management", MAIN),
        DIRECTOR,
        Here,
    )
    .tagged(&["on-call"]),
    works(
        "Yasmin Chaudhry",
        "Pharmacist",
        ("Pharmacy", MAIN),
        OPERATIONS,
        Here,
    ),
    works(
        "Ingrid Solberg",
        "Practice accountant",
        ("Management", MAIN),
        OPERATIONS,
        Away,
    ),
    works(
        RECEPTION,
        "Reception lead",
        ("Reception", MAIN),
        OPERATIONS,
        Here,
    )
    .tagged(&["fire-warden"]),
    works(
        "Tyler Brooks",
        "Receptionist",
        ("Reception", MAIN),
        RECEPTION,
        Here,
    ),
    works(
        "Amara Diallo",
        "Receptionist",
        ("Reception", MAIN),
        RECEPTION,
        Away,
    ),
    works(
        "Chloé Martin",
        "Receptionist",
        ("Reception", ANNEX),
        RECEPTION,
        Here,
    ),
    works(
        "Hye-jin Park",
        "Receptionist",
        ("Reception", ANNEX),
        RECEPTION,
        Away,
    ),
    works(IT, "IT lead", ("IT", MAIN), OPERATIONS, Here).tagged(&["on-call"]),
    works(
        "Sanjay Gupta",
        "Systems administrator",
        ("IT", MAIN),
        IT,
        Here,
    ),
    works(
        "Naomi Fischer",
        "Support technician",
        ("IT", ANNEX),
        IT,
        Away,
    ),
    works(
        FACILITIES,
        "Facilities lead",
        ("Facilities", MAIN),
        OPERATIONS,
        Here,
    )
    .tagged(&["fire-warden"]),
    works(
        "Luis Ortega",
        "Building technician",
        ("Facilities", MAIN),
        FACILITIES,
        Here,
    )
    .spanish(),
    works(
        "Mary-Ann Kealoha",
        "Building technician",
        ("Facilities", ANNEX),
        FACILITIES,
        Here,
    )
    .landline_only(),
    works(
        "Ștefan Ionescu",
        "Porter",
        ("Facilities", MAIN),
        FACILITIES,
        Away,
    )
    .landline_only(),
];
