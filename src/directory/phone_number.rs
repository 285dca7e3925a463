//! Turns what people type into a phone-number cell into a number that can be dialled, or says why not.

mod cell;
#[cfg(test)]
mod tests;

use std::fmt;

use phonenumber::metadata::{DATABASE, Descriptor};
use phonenumber::{Metadata, Mode, Type, country};

use crate::channel::address::Address;

/// What the number's own plan says about the line. A hint for the order of channels, never a reason
/// to leave someone out: plans are wrong about ported numbers and silent in whole countries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// Takes text messages.
    Mobile,
    /// A fixed line: a text message may not arrive.
    Landline,
    /// The plan does not tell the two apart (North America), or the number is neither.
    Unknown,
}

/// A number that exists in its country's plan. Shows itself masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    address: Address,
    extension: Option<String>,
    line: Line,
}

/// Why a cell is no phone number. Shows itself as a part of a sentence ("too short for a phone number in CH")
/// that never holds the cell's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneProblem {
    /// Nothing but blanks.
    #[error("empty")]
    Empty,
    /// Letters or signs that no number has.
    #[error("not a phone number: it holds characters that no phone number has")]
    NotANumber,
    /// Two numbers in one cell.
    #[error("more than one phone number in one place: keep one")]
    SeveralNumbers,
    /// A spreadsheet rounded the number, and the digits are gone.
    #[error(
        "shortened by the spreadsheet, digits are missing: format the column as text and save it again"
    )]
    Rounded,
    /// Fewer digits than any number there.
    #[error("too short for a phone number {0}")]
    TooShort(Plan),
    /// More digits than any number there.
    #[error("too long for a phone number {0}")]
    TooLong(Plan),
    /// The length may be right, but nobody can have this number.
    #[error("not a phone number that exists {0}")]
    NotInPlan(Plan),
    /// A `+` or `00` and then a code that no country has.
    #[error("no country has the code that it starts with")]
    NoSuchCountry,
    /// The configured region is no country.
    #[error("the region \"{0}\" is no two-letter country code such as CH")]
    NoSuchRegion(String),
}

/// The numbering plan that a number was read by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The region's own plan, because the number has no country code.
    Region(String),
    /// The plan of this country code.
    CountryCode(u16),
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => write!(f, "in {region}"),
            Self::CountryCode(code) => write!(f, "with the country code +{code}"),
        }
    }
}

impl PhoneNumber {
    /// Reads a cell as written by people and spreadsheets; `region` (ISO 3166, `CH`) is where a number
    /// without a country code is at home. A number that starts with the region's own country code but
    /// without `+` (a spreadsheet takes it away) is accepted if it makes no sense at home. Numbers of three or four digits that
    /// only work inside a house or for emergencies are refused: no gateway can reach them.
    pub fn parse(text: &str, region: &str) -> Result<Self, PhoneProblem> {
        let home = Home::find(region)?;
        let cell = cell::read(text)?;
        let (e164, line) = match &cell.number {
            cell::Written::International(readings) => international(readings)?,
            cell::Written::National(digits) => national(digits, &home)?,
        };
        Ok(Self {
            address: Address::new(e164),
            extension: cell.extension,
            line,
        })
    }

    /// Whether `region` is a country whose numbers can be read (`CH`, `ch`).
    pub fn is_region(region: &str) -> bool {
        Home::find(region).is_ok()
    }

    /// `+41791234567`: for gateways and for look-up. Without the extension.
    pub fn as_e164(&self) -> &str {
        self.address.reveal()
    }

    /// The same as an address, which keeps itself masked.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Digits to dial after the call is answered. `None` for a direct line.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// What the numbering plan says of the line.
    pub fn line(&self) -> Line {
        self.line
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({}, {:?})", self.address, self.line)
    }
}

/// The region that a number without a country code belongs to.
struct Home {
    region: String,
    id: country::Id,
    plan: &'static Metadata,
}

impl Home {
    fn find(region: &str) -> Result<Self, PhoneProblem> {
        let region = region.trim().to_ascii_uppercase();
        let id = region.parse::<country::Id>().ok();
        match id.and_then(|id| Some((id, DATABASE.by_id(region.as_str())?))) {
            Some((id, plan)) => Ok(Self { region, id, plan }),
            None => Err(PhoneProblem::NoSuchRegion(region)),
        }
    }
}

/// Tries each reading of a number that names its country; `+41 (0)79` has two.
fn international(readings: &[String]) -> Result<(String, Line), PhoneProblem> {
    readings
        .iter()
        .find_map(|digits| valid(None, &format!("+{digits}")))
        .ok_or_else(|| {
            let digits = readings.first().map_or("", String::as_str);
            match code_of(digits) {
                Some((code, plan)) => {
                    let rest = digits.len() - code.to_string().len();
                    wrong_length(rest, plan, Plan::CountryCode(code))
                }
                None => PhoneProblem::NoSuchCountry,
            }
        })
}

fn national(digits: &str, home: &Home) -> Result<(String, Line), PhoneProblem> {
    let own_code = home.plan.country_code();
    if let Some(found) = valid(Some(home.id), digits) {
        return Ok(found);
    }
    if digits.starts_with(&own_code.to_string())
        && let Some(found) = valid(None, &format!("+{digits}"))
    {
        return Ok(found);
    }
    let trunk = home.plan.national_prefix().unwrap_or_default();
    let significant = digits.strip_prefix(trunk).unwrap_or(digits).len();
    Err(wrong_length(
        significant,
        home.plan,
        Plan::Region(home.region.clone()),
    ))
}

/// The number in E.164, if the plan has it. What the parser alone accepts proves nothing: it takes "12".
fn valid(region: Option<country::Id>, digits: &str) -> Option<(String, Line)> {
    let number = phonenumber::parse(region, digits)
        .ok()
        .filter(phonenumber::is_valid)?;
    let line = match number.number_type(&DATABASE) {
        Type::Mobile => Line::Mobile,
        Type::FixedLine => Line::Landline,
        _ => Line::Unknown,
    };
    Some((number.format().mode(Mode::E164).to_string(), line))
}

/// The country code that these digits start with, and the main plan behind it.
fn code_of(digits: &str) -> Option<(u16, &'static Metadata)> {
    (1..=3).find_map(|length| {
        let code = digits.get(..length)?.parse::<u16>().ok()?;
        let plans = DATABASE.by_code(&code)?;
        Some((code, *plans.first()?))
    })
}

fn wrong_length(significant: usize, metadata: &Metadata, plan: Plan) -> PhoneProblem {
    let lines = metadata.descriptors();
    let possible = || {
        [lines.fixed_line(), lines.mobile()]
            .into_iter()
            .flatten()
            .flat_map(Descriptor::possible_length)
    };
    let shortest = possible().min().map_or(0, |length| usize::from(*length));
    let longest = possible()
        .max()
        .map_or(usize::MAX, |length| usize::from(*length));
    if significant < shortest {
        PhoneProblem::TooShort(plan)
    } else if significant > longest {
        PhoneProblem::TooLong(plan)
    } else {
        PhoneProblem::NotInPlan(plan)
    }
}
