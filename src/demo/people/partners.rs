//! Lists the vendors and authorities that the fictitious clinic works with.

use crate::alert::words::Category;

/// A supplier or an authority, with the desk that answers.
pub(super) struct Partner {
    pub(super) name: &'static str,
    pub(super) category: Category,
    pub(super) role: &'static str,
    pub(super) email: &'static str,
    /// Whether the desk has a mobile besides its landline.
    pub(super) has_mobile: bool,
}

const fn partner(
    category: Category,
    name: &'static str,
    role: &'static str,
    email: &'static str,
    has_mobile: bool,
) -> Partner {
    Partner {
        name,
        category,
        role,
        email,
        has_mobile,
    }
}

/// Five vendors and three authorities.
pub(super) const PARTNERS: &[Partner] = &[
    partner(
        Category::Vendor,
        "Clearwater Medical Gases, dispatch",
        "Oxygen supplier",
        "dispatch@clearwater-gases.example",
        true,
    ),
    partner(
        Category::Vendor,
        "Swift Specimen Couriers, control desk",
        "Laboratory courier",
        "control@swift-specimen.example",
        true,
    ),
    partner(
        Category::Vendor,
        "Bright Halls Cleaning, supervisor",
        "Cleaning",
        "supervisor@bright-halls.example",
        true,
    ),
    partner(
        Category::Vendor,
        "Northgate Systems, service desk",
        "IT provider",
        "service@northgate-systems.example",
        true,
    ),
    partner(
        Category::Vendor,
        "Three Rivers Blood Bank, duty desk",
        "Blood bank",
        "duty@three-rivers-blood.example",
        false,
    ),
    partner(
        Category::Authority,
        "County Health Department, duty officer",
        "Health department",
        "duty-officer@county-health.example",
        true,
    ),
    partner(
        Category::Authority,
        "City Police, control room",
        "Police",
        "control-room@city-police.example",
        false,
    ),
    partner(
        Category::Authority,
        "City Fire Service, control room",
        "Fire service",
        "control-room@city-fire.example",
        false,
    ),
];
