//! Templates that tests use: small, but complete and without findings.

use super::{Template, load};

const CLOSURE: &str = r#"
severity = "moderate"
purpose = "operations"
kind = "alert"
channels = ["sms", "email", "voice"]
languages = ["en", "es"]
audience = ["all-staff"]
expires_in = "12h"
review_by = "2027-11-01"
expected = { min = 1, max = 5000 }
title = { en = "Clinic closed", es = "Clínica cerrada" }
hint = { en = "The building cannot open", es = "El edificio no puede abrir" }

[[variable]]
name = "reason"
type = "text"
required = true
max_length = 60
label = { en = "Why is it closed?", es = "¿Por qué?" }
example = "burst pipe"
[[variable.choice]]
value = "burst pipe"
text = { es = "una tubería rota" }

[[variable]]
name = "until"
type = "text"
required = false
label = { en = "Until when?", es = "¿Hasta cuándo?" }
example = "tomorrow 08:00"
default = "further notice"
[[variable.choice]]
value = "further notice"
text = { es = "nuevo aviso" }

[[option]]
key = "read"
class = "positive"
label = { en = "I have read this", es = "Lo he leído" }
short = { en = "read", es = "leido" }

[[option]]
key = "help"
class = "help"
label = { en = "I need help", es = "Necesito ayuda" }
short = { en = "need help", es = "ayuda" }

[plan]
name = "closure"
[[plan.step]]
after_seconds = 0
whom = "everyone"
channels = ["sms", "email"]
[[plan.step]]
after_seconds = 300
whom = "silent"
channels = ["sms"]
"#;

/// The files of [`closure`].
pub(crate) const CLOSURE_FILES: &[(&str, &str)] = &[
    ("template.toml", CLOSURE),
    (
        "en/sms.hbs",
        "{{organisation}} is closed since {{time}}: {{reason}}{{#if until}}, until {{until}}{{/if}}. \
         {{answers}} or open {{link}} now.\n",
    ),
    (
        "en/email.subject.hbs",
        "{{organisation}} is closed: {{reason}}\n",
    ),
    (
        "en/email.text.hbs",
        "Dear {{name}},\nwe are closed: {{reason}}.\n{{link}}\n",
    ),
    (
        "en/email.html.hbs",
        "<!doctype html><html lang=\"en\"><body><p>{{organisation}}, {{name}}: {{reason}}</p>\
         <a href=\"{{link}}\">Answer</a></body></html>\n",
    ),
    (
        "en/voice.hbs",
        "{{organisation}} is closed. Press 1 if you heard this, 2 for help.\n",
    ),
    (
        "es/sms.hbs",
        "{{organisation}} cierra a las {{time}}: {{reason}}{{#if until}}, hasta {{until}}{{/if}}. \
         {{answers}} o abra {{link}} ahora.\n",
    ),
    (
        "es/email.subject.hbs",
        "{{organisation}} cierra: {{reason}}\n",
    ),
    (
        "es/email.text.hbs",
        "Hola {{name}}:\nestamos cerrados: {{reason}}.\n{{link}}\n",
    ),
    (
        "es/email.html.hbs",
        "<!doctype html><html lang=\"es\"><body><p>{{organisation}}, {{name}}: {{reason}}</p>\
         <a href=\"{{link}}\">Responder</a></body></html>\n",
    ),
    (
        "es/voice.hbs",
        "{{organisation}} está cerrada. Pulse 1 si lo oyó, 2 para ayuda.\n",
    ),
];

/// All three channels, two languages, a required and an optional variable.
pub(crate) fn closure() -> Template {
    load::from_texts("closure", CLOSURE_FILES).unwrap()
}

/// The closure with some of its files, or words in them, replaced.
pub(crate) fn closure_with(file: &str, from: &str, to: &str) -> Template {
    let changed = changed_closure(file, from, to);
    let files: Vec<(&str, &str)> = changed.iter().map(|(p, t)| (*p, t.as_str())).collect();
    load::from_texts("closure", &files).unwrap()
}

/// The closure's files with words in one of them replaced; fails if the words are not there.
pub(crate) fn changed_closure(file: &str, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let source = CLOSURE_FILES
        .iter()
        .find(|(path, _)| *path == file)
        .unwrap()
        .1;
    assert!(source.contains(from), "{file} has no {from}");
    let change = |path: &str, text: &str| {
        if path == file {
            text.replace(from, to)
        } else {
            text.to_owned()
        }
    };
    CLOSURE_FILES
        .iter()
        .map(|(path, text)| (*path, change(path, text)))
        .collect()
}

/// One variable that is each person's own.
pub(crate) fn rescheduling() -> Template {
    let manifest = r#"
        severity = "minor"
        purpose = "appointment"
        kind = "alert"
        channels = ["sms"]
        languages = ["en"]
        expires_in = "90m"
        review_by = "2027-11-01"
        title = { en = "Appointment moved" }
        hint = { en = "The doctor is away" }
        [[variable]]
        name = "appointment"
        type = "person"
        required = false
        label = { en = "Appointment" }
        example = "3 May 09:00"
        [plan]
        name = "once"
        [[plan.step]]
        whom = "everyone"
        channels = ["sms"]
    "#;
    let sms = "{{organisation}}: your visit{{#if appointment}} of {{appointment}}{{/if}} moves.";
    let files = [("template.toml", manifest), ("en/sms.hbs", sms)];
    load::from_texts("rescheduling", &files).unwrap()
}
