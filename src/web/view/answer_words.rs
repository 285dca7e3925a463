//! The fixed words of the answer page, per language; everything else on it comes from the alert.

use super::{Mode, Severity};
use crate::call_out::Place;

/// The words of one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerWords {
    /// The language's tag.
    pub tag: &'static str,
    /// The mode's word: live, drill.
    pub modes: [&'static str; 2],
    /// The severities: danger, caution, information, safe.
    pub severities: [&'static str; 4],
    /// Above the buttons.
    pub question: &'static str,
    /// Before anything was recorded.
    pub nothing_yet: &'static str,
    /// Before what was recorded.
    pub recorded: &'static str,
    /// The folded way to answer again.
    pub change: &'static str,
    /// Before the phone number.
    pub call: &'static str,
    /// When the link is unknown or too old.
    pub expired: &'static str,
    /// When too many wrong links were opened.
    pub too_many: &'static str,
    /// When the form named no answer that is offered.
    pub not_recorded: &'static str,
    /// When the server cannot record or show anything.
    pub not_now: &'static str,
    /// Behind an answer that came after the end.
    pub late: &'static str,
    /// When several people share the phone.
    pub who: &'static str,
    /// Later states of the alert: corrected, all clear, ended, stopped.
    pub states: [&'static str; 4],
    /// Of a call-out, after a yes that is needed.
    pub coming: &'static str,
    /// After one that is not, with `{}` for the place on the standby list.
    pub standby: &'static str,
    /// After one that a machine may have given.
    pub unsure: &'static str,
    /// Before a yes, once enough others have given one.
    pub filled: &'static str,
}

static ENGLISH: AnswerWords = AnswerWords {
    tag: "en",
    modes: ["LIVE", "DRILL"],
    severities: ["DANGER", "CAUTION", "INFORMATION", "SAFE"],
    question: "Your answer",
    nothing_yet: "No answer has been recorded yet.",
    recorded: "Recorded:",
    change: "Change my answer",
    call: "Call",
    expired: "This link has expired or is wrong. If you need help or want to answer, please call.",
    too_many: "Too many wrong links were opened from your network. Wait a minute, or call.",
    not_recorded: "Your answer was NOT recorded. Open the link again and choose one, or call.",
    not_now: "This did not work, and nothing was recorded. Try again in a moment, or call.",
    late: "after the end",
    who: "Who is answering?",
    states: [
        "CORRECTED: this was a false alarm.",
        "ALL CLEAR: it is over.",
        "This alert has ended.",
        "This alert was stopped.",
    ],
    coming: "You are in: please come.",
    standby: "You are number {} on the standby list. Please do not set out: we write if we need you.",
    unsure: "Please answer once more: this came so soon that a mail program may have pressed it.",
    filled: "Enough people are coming, thank you. A yes puts you on the standby list.",
};

static SPANISH: AnswerWords = AnswerWords {
    tag: "es",
    modes: ["REAL", "SIMULACRO"],
    severities: ["PELIGRO", "ATENCIÓN", "INFORMACIÓN", "SEGURO"],
    question: "Su respuesta",
    nothing_yet: "Aún no hay ninguna respuesta registrada.",
    recorded: "Registrado:",
    change: "Cambiar mi respuesta",
    call: "Llamar",
    expired: "Este enlace ha caducado o no es correcto. Si necesita ayuda o quiere responder, llame.",
    too_many: "Se han abierto demasiados enlaces erróneos desde su red. Espere un minuto o llame.",
    not_recorded: "Su respuesta NO se ha registrado. Abra el enlace otra vez y elija una, o llame.",
    not_now: "No ha funcionado y no se ha registrado nada. Inténtelo en un momento o llame.",
    late: "después del final",
    who: "¿Quién responde?",
    states: [
        "CORRECCIÓN: fue una falsa alarma.",
        "TODO EN ORDEN: ha terminado.",
        "Este aviso ha terminado.",
        "Este aviso se detuvo.",
    ],
    coming: "Contamos con usted: venga, por favor.",
    standby: "Es el número {} de la lista de reserva. No salga todavía: le escribiremos si hace falta.",
    unsure: "Responda otra vez, por favor: llegó tan pronto que pudo ser un programa de correo.",
    filled: "Ya viene suficiente gente, gracias. Con un sí queda en la lista de reserva.",
};

impl AnswerWords {
    /// The words of the language `tag` (`es`, `es-mx`), English for any other.
    pub fn of(tag: &str) -> &'static Self {
        match tag.split('-').next() {
            Some("es") => &SPANISH,
            _ => &ENGLISH,
        }
    }

    /// Where someone stands who said yes to a call-out.
    pub fn place(&self, place: Place) -> String {
        match place {
            Place::In => self.coming.to_owned(),
            Place::Standby(number) => self.standby.replace("{}", &number.to_string()),
        }
    }

    /// The mode's word.
    pub fn mode(&self, mode: Mode) -> &'static str {
        match mode {
            Mode::Live => self.modes[0],
            Mode::Drill => self.modes[1],
        }
    }

    /// The severity's word.
    pub fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Danger => self.severities[0],
            Severity::Caution => self.severities[1],
            Severity::Information => self.severities[2],
            Severity::Safe => self.severities[3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_uses_its_language_and_an_unknown_language_english() {
        assert_eq!(AnswerWords::of("es-mx").tag, "es");
        assert_eq!(AnswerWords::of("tlh").tag, "en");
        assert_eq!(AnswerWords::of("").tag, "en");
    }
}
