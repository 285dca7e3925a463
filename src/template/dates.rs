//! Writes a day the way a reader of a language does, in characters that every phone has.

use jiff::civil::Date;

use super::primary;
use crate::alert::words::Language;

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// "3 March 2027", "3 de marzo de 2027"; `2027-03-03` in a language that we have no words for. The
/// month is a word because 3/4 is two different days on the two sides of an ocean; the day of the
/// week is left out because its accents ("sábado") would halve what an SMS holds.
pub fn date_in(date: Date, language: &Language) -> String {
    let month = usize::from(date.month().unsigned_abs()) - 1;
    match primary(language) {
        "en" => format!("{} {} {}", date.day(), ENGLISH[month], date.year()),
        "es" => format!("{} de {} de {}", date.day(), SPANISH[month], date.year()),
        _ => date.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_is_a_word_that_cannot_be_mistaken_for_a_day() {
        let date = jiff::civil::date(2027, 3, 4);
        let shown = |tag: &str| date_in(date, &Language(tag.to_owned()));
        assert_eq!(shown("en-US"), "4 March 2027");
        assert_eq!(shown("es"), "4 de marzo de 2027");
        assert_eq!(shown("pl"), "2027-03-04");
    }
}
