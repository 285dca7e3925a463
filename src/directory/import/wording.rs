//! Makes what people write comparable: letters without accents, names without titles, words for
//! categories and languages in the tongues of the clinics that use this.

use crate::alert::words::{Category, Language};

/// Lower case, without accents: `Móvil` and `movil` are one word.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' => folded.push('a'),
            'æ' => folded.push_str("ae"),
            'ç' | 'ć' | 'č' => folded.push('c'),
            'ď' | 'đ' => folded.push('d'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => folded.push('e'),
            'ğ' => folded.push('g'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' => folded.push('i'),
            'ł' => folded.push('l'),
            'ñ' | 'ń' | 'ň' => folded.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => folded.push('o'),
            'œ' => folded.push_str("oe"),
            'ř' => folded.push('r'),
            'ś' | 'š' | 'ş' | 'ș' => folded.push('s'),
            'ß' => folded.push_str("ss"),
            'ť' | 'ţ' | 'ț' => folded.push('t'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            // Accents that stand on their own, as macOS writes them.
            '\u{300}'..='\u{36f}' => {}
            _ => folded.push(letter),
        }
    }
    folded
}

/// The words of a text, folded, joined by `joint`: `All Staff` is `all-staff`.
pub(super) fn joined(text: &str, joint: &str, is_kept: impl Fn(char) -> bool) -> String {
    let folded = fold(text);
    let words: Vec<&str> = folded
        .split(|sign| !is_kept(sign))
        .filter(|word| !word.is_empty())
        .collect();
    words.join(joint)
}

/// A cell without control characters and marks that turn the direction of writing, blanks made
/// single; and whether anything but blanks was taken out.
pub(super) fn clean(text: &str) -> (String, bool) {
    let mut changed = false;
    let signs: String = text
        .trim()
        .chars()
        .filter_map(|sign| match sign {
            '\r' | '\n' | '\u{2028}' | '\u{2029}' => {
                changed = true;
                Some(' ')
            }
            '\u{feff}' | '\u{200b}' | '\u{2060}' => None,
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}' => {
                changed = true;
                None
            }
            _ if sign.is_whitespace() => Some(' '),
            _ if sign.is_control() => {
                changed = true;
                None
            }
            _ => Some(sign),
        })
        .collect();
    (
        signs.split_whitespace().collect::<Vec<_>>().join(" "),
        changed,
    )
}

const TITLES: [&str; 15] = [
    "dr", "dra", "prof", "med", "mr", "mrs", "ms", "herr", "frau", "sr", "sra", "mme", "rn", "md",
    "phd",
];

/// The words of a name in the order of speech: `Dr. Pérez, Ana` is `ana perez`. Never empty unless the name is.
pub(super) fn name_words(name: &str) -> Vec<String> {
    let spoken = match name.split_once(',') {
        Some((family, given)) => format!("{given} {family}"),
        None => name.to_owned(),
    };
    let folded = fold(&spoken);
    let words = || {
        folded
            .split(|sign: char| !sign.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    let plain: Vec<String> = words()
        .filter(|word| !TITLES.contains(word))
        .map(str::to_owned)
        .collect();
    if !plain.is_empty() {
        return plain;
    }
    let all: Vec<String> = words().map(str::to_owned).collect();
    if all.is_empty() { vec![folded] } else { all }
}

/// One key for every order, case and spacing of a name.
pub(super) fn name_key(name: &str) -> String {
    let mut words = name_words(name);
    words.sort_unstable();
    words.join(" ")
}

/// Whether two names can be two ways to write one: `A. Perez`, `Ana Pérez`, `Pérez Gil, Ana`.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    let (one, other) = (name_words(one), name_words(other));
    let (fewer, more) = if one.len() <= other.len() {
        (&one, &other)
    } else {
        (&other, &one)
    };
    let is_word_of = |word: &String, other: &String| {
        word == other
            || (word.chars().count() == 1 && other.starts_with(word.as_str()))
            || (other.chars().count() == 1 && word.starts_with(other.as_str()))
    };
    fewer
        .iter()
        .all(|word| more.iter().any(|other| is_word_of(word, other)))
}

/// Whether someone may have changed names: the same, or the given name stayed.
pub(super) fn may_be_renamed(one: &str, other: &str) -> bool {
    is_same_name(one, other) || name_words(one).first() == name_words(other).first()
}

/// Reads a category in any of the languages; `None` if it is none of the four.
pub(super) fn category(text: &str) -> Option<Category> {
    Some(match joined(text, "", char::is_alphanumeric).as_str() {
        "staff" | "employee" | "employees" | "worker" | "personal" | "personnel" | "plantilla"
        | "empleado" | "empleada" | "empleados" | "empleadas" | "mitarbeiter" | "mitarbeiterin"
        | "mitarbeitende" | "employe" | "employes" => Category::Staff,
        "patient" | "patients" | "paciente" | "pacientes" | "patientin" | "patienten"
        | "patientinnen" | "patiente" | "patientes" => Category::Patient,
        "vendor" | "vendors" | "supplier" | "suppliers" | "contractor" | "contractors"
        | "proveedor" | "proveedora" | "proveedores" | "lieferant" | "lieferanten"
        | "fournisseur" | "fournisseurs" => Category::Vendor,
        "authority" | "authorities" | "autoridad" | "autoridades" | "behorde" | "behoerde"
        | "behorden" | "behoerden" | "autorite" | "autorites" => Category::Authority,
        _ => return None,
    })
}

/// Reads a language tag or the language's name in English or its own tongue.
pub(super) fn language(text: &str) -> Option<Language> {
    let tag = match joined(text, "", char::is_alphanumeric).as_str() {
        "english" | "ingles" | "englisch" | "anglais" => "en",
        "spanish" | "espanol" | "castellano" | "spanisch" | "espagnol" => "es",
        "german" | "deutsch" | "aleman" | "allemand" => "de",
        "french" | "francais" | "frances" | "franzosisch" | "franzoesisch" => "fr",
        "italian" | "italiano" | "italienisch" | "italien" => "it",
        "portuguese" | "portugues" | "portugiesisch" | "portugais" => "pt",
        _ => text,
    };
    Language::parse(tag)
}
