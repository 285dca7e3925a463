//! What a check page's form asks for: the blanks as filled, the groups and people as picked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::call_out::{TemplateCallOut, Wanted};
use crate::ids::ContactId;
use crate::template::{Template, Variable, VariableKind};
use crate::web::form::Fields;

/// The form's name for a group. The hyphen keeps it apart from every blank's name.
pub const GROUP: &str = "to-group";
/// The form's name for a person picked one by one.
pub const CONTACT: &str = "to-contact";
/// Says that the groups were chosen on the page, even if none is.
pub const CHOSEN: &str = "to-chosen";

/// How many people a call-out needs.
pub const NEEDED: &str = "how-many";
/// That it is no call-out: the answer to [`NEEDED`] that is no number.
pub const EVERYONE: &str = "everyone";
/// Seconds that each one may think.
pub const WITHIN: &str = "answer-within";

/// What would be launched, as the form says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The blanks that are filled, by name.
    pub variables: BTreeMap<String, String>,
    /// Groups by name, each once.
    pub groups: Vec<String>,
    /// People picked one by one, each once.
    pub contacts: Vec<ContactId>,
    /// How many are needed, as picked or typed; [`EVERYONE`] for all at once; empty while it is not
    /// said. Always empty where the template is not written for a call-out.
    pub needed: String,
    /// Seconds that each one may think; none: as the template says.
    pub answer_within: Option<u64>,
}

impl Asked {
    /// Reads a form or a query. Without any choice of people it is the template's own audience.
    pub fn read(template: &Template, fields: &Fields) -> Self {
        let has = |name| fields.all(name).next().is_some();
        let groups: BTreeSet<String> = if has(CHOSEN) || has(GROUP) || has(CONTACT) {
            fields.all(GROUP).map(ToOwned::to_owned).collect()
        } else {
            template.audience.iter().cloned().collect()
        };
        let contacts: BTreeSet<ContactId> = fields
            .all(CONTACT)
            .filter_map(|id| id.parse().ok())
            .collect();
        let usual = template.call_out.as_ref();
        Self {
            variables: variables(template, fields),
            groups: groups.into_iter().collect(),
            contacts: contacts.into_iter().collect(),
            needed: usual.map(|usual| needed(usual, fields)).unwrap_or_default(),
            answer_within: usual
                .and_then(|_| fields.get(WITHIN).parse().ok())
                .filter(|seconds| {
                    usual.map(|one| one.answer_within_seconds.into()) != Some(*seconds)
                }),
        }
    }

    /// The call-out that is asked for; none: everyone is told at once. What is no number is no
    /// person, which is refused.
    pub fn call_out(&self) -> Option<Wanted> {
        let is_call_out = !self.needed.is_empty() && self.needed != EVERYONE;
        is_call_out.then(|| Wanted {
            needed: self.needed.parse().unwrap_or(0),
            answer_within: self.answer_within.map(Duration::from_secs),
            ahead: None,
        })
    }

    /// The same words for the same request, whatever the order of the form.
    pub fn canonical(&self) -> String {
        let call_out = (&self.needed, self.answer_within);
        serde_json::json!([self.variables, self.groups, self.contacts, call_out]).to_string()
    }

    /// The same as a query, to come back to the page with it.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(CHOSEN, "yes");
        query.extend_pairs(&self.variables);
        query.extend_pairs(self.groups.iter().map(|group| (GROUP, group)));
        query.extend_pairs(self.contacts.iter().map(|id| (CONTACT, id.to_string())));
        if !self.needed.is_empty() {
            query.append_pair(NEEDED, &self.needed);
        }
        if let Some(seconds) = self.answer_within {
            query.append_pair(WITHIN, &seconds.to_string());
        }
        query.finish()
    }
}

/// How many are needed: as picked, else as typed, else as the template proposes.
fn needed(usual: &TemplateCallOut, fields: &Fields) -> String {
    let typed = fields.get(&format!("{NEEDED}.other")).trim();
    match (fields.get(NEEDED).trim(), typed) {
        ("", "") => usual
            .needed
            .map(|needed| needed.to_string())
            .unwrap_or_default(),
        ("", typed) => typed.to_owned(),
        (picked, _) => picked.to_owned(),
    }
}

/// The blanks that are filled. "Something else" sends the blank itself empty and the words beside it;
/// a blank with a default that nobody fills has it, as the page shows it picked.
pub fn variables(template: &Template, fields: &Fields) -> BTreeMap<String, String> {
    let fillable = |variable: &&Variable| variable.kind != VariableKind::Person;
    let filled = template
        .variables
        .iter()
        .filter(fillable)
        .filter_map(|variable| {
            let picked = fields.get(&variable.name);
            let typed = fields.get(&format!("{}.other", variable.name));
            let value = if picked.is_empty() { typed } else { picked };
            let usual = variable.default.as_deref().unwrap_or_default();
            let value = if value.trim().is_empty() {
                usual
            } else {
                value
            };
            let is_default = !variable.required && variable.default.as_deref() == Some(value);
            (!value.is_empty() && !is_default).then(|| (variable.name.clone(), value.to_owned()))
        });
    filled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::sample;

    fn asked(form: &str) -> Asked {
        Asked::read(&sample::closure(), &Fields::parse(form.as_bytes()))
    }

    #[test]
    fn without_a_choice_it_goes_to_the_templates_own_audience() {
        assert_eq!(asked("reason=flood").groups, sample::closure().audience);
        assert!(asked("reason=flood&to-chosen=yes").groups.is_empty());
        assert_eq!(asked("to-group=b&to-group=a&to-group=b").groups, ["a", "b"]);
    }

    #[test]
    fn something_else_counts_only_when_nothing_is_picked() {
        let picked = asked("reason=flood&reason.other=old+words");
        assert_eq!(picked.variables["reason"], "flood");
        assert_eq!(
            asked("reason=&reason.other=a+gas+leak").variables["reason"],
            "a gas leak"
        );
        assert!(
            !asked("reason=+&nonsense=1")
                .variables
                .contains_key("reason")
        );
    }

    #[test]
    fn a_page_opened_by_a_quick_pick_asks_for_the_same_as_its_own_form() {
        let template = sample::closure();
        let defaults: Vec<String> = template
            .variables
            .iter()
            .filter_map(|one| Some(format!("{}={}", one.name, one.default.as_deref()?)))
            .collect();
        assert!(
            !defaults.is_empty(),
            "the sample has a blank with a default"
        );
        let form = format!("reason=flood&{}", defaults.join("&")).replace(' ', "+");
        assert_eq!(asked("reason=flood").canonical(), asked(&form).canonical());
    }

    #[test]
    fn the_order_of_a_form_changes_nothing_and_its_query_leads_back() {
        let one = asked("reason=flood&to-group=a&to-group=b");
        let two = asked("to-group=b&to-group=a&reason=flood");
        assert_eq!(one.canonical(), two.canonical());
        assert_eq!(asked(&one.query()), one);
    }
}
