//! Takes apart what a phone-number cell holds before any numbering plan is asked: digits, country
//! code or not, extension, and the traces of a spreadsheet.

use super::PhoneProblem;

/// The longest E.164 number is 15 digits; `00`, a trunk zero and slips of the finger come on top.
const MOST_DIGITS: usize = 24;
/// A cell longer than this is a note, not a number.
const LONGEST_CELL: usize = 120;
/// Digits that stand for a whole number of their own when a slash or a comma comes between.
const A_NUMBER_OF_ITS_OWN: usize = 7;
const LONGEST_EXTENSION: usize = 10;
/// Longest first: `ext` would leave the end of `extension`.
const EXTENSION_MARKS: [&str; 9] = [
    ";ext=",
    "extension",
    "extn.",
    "extn",
    "ext.",
    "ext:",
    "ext",
    "x",
    "#",
];

/// A cell taken apart.
#[derive(PartialEq, Eq)]
pub(super) struct Cell {
    pub number: Written,
    pub extension: Option<String>,
}

/// How the number was written. Digits only.
#[derive(PartialEq, Eq)]
pub(super) enum Written {
    /// With `+` or `00`. Every reading that the writer can have meant, the likeliest first.
    International(Vec<String>),
    /// Without a country code, or with one that lost its `+`.
    National(String),
}

/// Takes a cell apart. Never asks whether the number exists.
pub(super) fn read(text: &str) -> Result<Cell, PhoneProblem> {
    if text.len() > LONGEST_CELL {
        return Err(PhoneProblem::NotANumber);
    }
    let plain = plain_signs(text);
    let bare = strip_wrapping(&plain);
    if bare.is_empty() {
        return Err(PhoneProblem::Empty);
    }
    if let Some(digits) = spreadsheet_number(bare)? {
        return Ok(Cell {
            number: Written::National(digits),
            extension: None,
        });
    }
    let (body, extension) = split_extension(bare)?;
    refuse_several(body)?;
    Ok(Cell {
        number: written(body)?,
        extension,
    })
}

/// Every blank to a space, every dash to a hyphen, every digit to ASCII; invisible marks away.
fn plain_signs(text: &str) -> String {
    text.chars()
        .filter_map(|sign| match sign {
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{ad}' => None,
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => Some('-'),
            '\u{ff0b}' => Some('+'),
            _ if sign.is_whitespace() => Some(' '),
            _ => Some(ascii_digit(sign).unwrap_or(sign.to_ascii_lowercase())),
        })
        .collect()
}

/// Arabic, Persian, Devanagari and full-width digits.
fn ascii_digit(sign: char) -> Option<char> {
    let zero = [0x660, 0x6f0, 0x966, 0xff10]
        .into_iter()
        .find(|zero| (*zero..zero + 10).contains(&u32::from(sign)))?;
    char::from_digit(u32::from(sign) - zero, 10)
}

/// Takes away `="…"`, the apostrophe that keeps a spreadsheet from calculating, quotes and `tel:`.
fn strip_wrapping(text: &str) -> &str {
    let text = text.trim().trim_start_matches('=');
    let text = text.trim_matches(['"', '\'', '\u{2018}', '\u{2019}', '`', ' ']);
    ["tel:", "tel.", "sms:", "mobile:", "phone:"]
        .iter()
        .find_map(|word| text.strip_prefix(word))
        .unwrap_or(text)
        .trim()
}

/// `41791234567.0` and `4.1791234567e+10`: numbers that a spreadsheet calculated with. `None` for
/// anything else; an error if digits were lost on the way, because a guessed number is somebody else's.
fn spreadsheet_number(text: &str) -> Result<Option<String>, PhoneProblem> {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.trim_start_matches('+'))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.starts_with('0') || !all_digits(whole) || !all_digits(fraction) {
        return Ok(None);
    }
    let Some(exponent) = exponent else {
        // One or two zeros after a long whole part are a float; "079.123.45.67" is not one.
        let is_float = matches!(fraction, "0" | "00") && whole.len() >= A_NUMBER_OF_ITS_OWN;
        return Ok(is_float.then(|| whole.to_owned()));
    };
    let Ok(places) = exponent.parse::<usize>() else {
        return Ok(None);
    };
    if fraction.len() == places && places <= MOST_DIGITS {
        Ok(Some(format!("{whole}{fraction}")))
    } else {
        Err(PhoneProblem::Rounded)
    }
}

/// Cuts off `ext. 12`, `x12`, `#12`, `;ext=12`. A mark without digits after it is an error.
fn split_extension(text: &str) -> Result<(&str, Option<String>), PhoneProblem> {
    let marked = EXTENSION_MARKS
        .iter()
        .filter_map(|mark| text.find(mark).map(|at| (at, at + mark.len())))
        .min_by_key(|(from, to)| (*from, usize::MAX - to));
    let Some((from, to)) = marked else {
        return refuse_foreign_context(text).map(|body| (body, None));
    };
    let digits = text[to..].trim_matches([' ', '.', ':', ')', '-']);
    let is_extension = (1..=LONGEST_EXTENSION).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_extension {
        return Err(PhoneProblem::NotANumber);
    }
    Ok((
        text[..from].trim_end_matches([' ', '(', ',', ';', '-']),
        Some(digits.to_owned()),
    ))
}

/// `tel:` links may carry `;name=value` after the number. They do not matter after a `+`; before a
/// local number they change whose number it is, and are refused.
fn refuse_foreign_context(text: &str) -> Result<&str, PhoneProblem> {
    match text.split_once(';') {
        Some((number, rest)) if rest.contains('=') && number.starts_with('+') => Ok(number),
        Some((_, rest)) if rest.contains('=') => Err(PhoneProblem::NotANumber),
        _ => Ok(text),
    }
}

fn refuse_several(text: &str) -> Result<(), PhoneProblem> {
    let count = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let long_parts = text
        .split([',', ';', '/', '|'])
        .filter(|part| count(part) >= A_NUMBER_OF_ITS_OWN)
        .count();
    let second_plus = text
        .char_indices()
        .skip(1)
        .any(|(at, sign)| sign == '+' && count(&text[..at]) > 0);
    if long_parts > 1 || second_plus || text.contains(" or ") || text.contains(" y ") {
        return Err(PhoneProblem::SeveralNumbers);
    }
    Ok(())
}

fn written(text: &str) -> Result<Written, PhoneProblem> {
    let is_sign = |sign: char| sign.is_ascii_digit() || " +.-()/[]".contains(sign);
    if !text.chars().all(is_sign) {
        return Err(PhoneProblem::NotANumber);
    }
    let digits_of = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let compact: String = text.chars().filter(|sign| !sign.is_whitespace()).collect();
    let all = digits_of(&compact);
    // "+41 (0)79": the zero is dialled at home only. Italy keeps it, so both readings stand.
    let without_trunk = digits_of(&match compact.find("(0)") {
        Some(at) if at > 0 => compact.replacen("(0)", "", 1),
        _ => compact.clone(),
    });
    if all.is_empty() {
        return Err(PhoneProblem::NotANumber);
    }
    if all.len() > MOST_DIGITS {
        return Err(PhoneProblem::NotANumber);
    }
    let has_plus = compact.trim_start_matches(['(', '[']).starts_with('+');
    let abroad = |digits: &str| match digits.strip_prefix("00") {
        Some(rest) => Some(rest.to_owned()),
        None => has_plus.then(|| digits.to_owned()),
    };
    Ok(match (abroad(&without_trunk), abroad(&all)) {
        (Some(first), Some(second)) if first == second => Written::International(vec![first]),
        (Some(first), Some(second)) => Written::International(vec![first, second]),
        _ => Written::National(without_trunk),
    })
}
