//! Writes how to answer by SMS, from a template's options.

use super::primary;
use crate::alert::words::Language;
use crate::response::option::AnswerOption;

/// "Reply 1 safe, 2 need help": the field `answers`. Empty without options. A language that we have
/// no words for reads "1 = …, 2 = …".
pub fn answers_line(options: &[AnswerOption], language: &Language) -> String {
    if options.is_empty() {
        return String::new();
    }
    let (verb, equals) = match primary(language) {
        "en" => ("Reply ", " "),
        "es" => ("Responda ", " "),
        _ => ("", " = "),
    };
    let answers: Vec<String> = (1..)
        .zip(options)
        .map(|(digit, option)| format!("{digit}{equals}{}", option.short_in(language)))
        .collect();
    format!("{verb}{}", answers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_digits_follow_the_order_of_the_options() {
        let options = sample::closure().options;
        let line = |tag: &str| answers_line(&options, &Language(tag.to_owned()));
        assert_eq!(line("en-GB"), "Reply 1 read, 2 need help");
        assert_eq!(line("es"), "Responda 1 leido, 2 ayuda");
        assert_eq!(line("pl"), "1 = read, 2 = need help");
    }

    #[test]
    fn without_options_there_is_nothing_to_answer() {
        assert_eq!(answers_line(&[], &Language("en".to_owned())), "");
    }
}
