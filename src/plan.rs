//! Decides on which channels people are tried, and when. Pure: no clock, no database.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::words::word_enum;
use crate::channel::Channel;

word_enum! {
    /// Who a step is for.
    Whom {
        /// The whole audience.
        Everyone = "everyone",
        /// Those of the audience who have not answered when the step begins.
        Silent = "silent",
    }
}

/// One stage of an alert's escalation plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When it begins, in seconds after the launch.
    #[serde(default)]
    pub after_seconds: u32,
    /// Who it is for. The first step is for everyone.
    #[serde(default = "Step::silent")]
    pub whom: Whom,
    /// The channels tried, all at once: one delivery on each.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Whether the people go onto the call list, for people to phone.
    #[serde(default)]
    pub call_list: bool,
}

impl Step {
    fn silent() -> Whom {
        Whom::Silent
    }

    /// When it begins.
    pub fn after(&self) -> Duration {
        Duration::from_secs(self.after_seconds.into())
    }
}

/// What is tried, in order of time. Frozen into the alert at launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is called in the API: `all-at-once` always exists.
    pub name: String,
    /// Its steps, ascending by time.
    #[serde(rename = "step", alias = "steps")]
    pub steps: Vec<Step>,
}

/// The plan that always exists: every channel of the message at once, nothing afterwards.
pub const ALL_AT_ONCE: &str = "all-at-once";

impl Plan {
    /// Every one of `channels` at once.
    pub fn all_at_once(channels: &[Channel]) -> Self {
        Self {
            name: ALL_AT_ONCE.to_owned(),
            steps: vec![Step {
                after_seconds: 0,
                whom: Whom::Everyone,
                channels: channels.to_vec(),
                call_list: false,
            }],
        }
    }

    /// The channels of its steps, in their order; some may come twice.
    pub fn channels(&self) -> Vec<Channel> {
        let of_step = |step: &Step| step.channels.clone();
        self.steps.iter().flat_map(of_step).collect()
    }

    /// What is wrong with it, in words; empty if nothing.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match self.steps.first() {
            None => problems.push(format!("plan \"{}\" has no steps", self.name)),
            Some(first) if first.after_seconds != 0 || first.whom != Whom::Everyone => {
                problems.push(format!(
                    "the first step of plan \"{}\" must begin at once and be for everyone",
                    self.name
                ));
            }
            Some(_) => {}
        }
        if self
            .steps
            .windows(2)
            .any(|pair| pair[0].after_seconds >= pair[1].after_seconds)
        {
            problems.push(format!(
                "the steps of plan \"{}\" are not in order of time",
                self.name
            ));
        }
        if self
            .steps
            .iter()
            .any(|step| step.channels.is_empty() && !step.call_list)
        {
            problems.push(format!("a step of plan \"{}\" reaches nobody", self.name));
        }
        problems
    }

    /// This plan for a message that exists only on `available` channels: other channels are left
    /// out, and steps that then reach nobody vanish.
    #[must_use]
    pub fn limited_to(&self, available: &[Channel]) -> Self {
        let steps = self
            .steps
            .iter()
            .map(|step| Step {
                channels: step
                    .channels
                    .iter()
                    .copied()
                    .filter(|c| available.contains(c))
                    .collect(),
                ..step.clone()
            })
            .filter(|step| !step.channels.is_empty() || step.call_list)
            .collect();
        Self {
            name: self.name.clone(),
            steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let channels = || subsequence(Channel::ALL.to_vec(), 0..=Channel::ALL.len());
        let step = (0_u32..900, select(Whom::ALL), channels(), any::<bool>());
        proptest::collection::vec(step, 0..6).prop_map(|steps| {
            let step = |(after_seconds, whom, channels, call_list)| Step {
                after_seconds,
                whom,
                channels,
                call_list,
            };
            steps.into_iter().map(step).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_plan_without_problems_begins_at_once_for_everyone_and_goes_on_in_time(
            steps in steps(),
        ) {
            let plan = Plan { name: "p".to_owned(), steps };
            let begins = plan.steps.first().is_some_and(|first| {
                first.after_seconds == 0 && first.whom == Whom::Everyone
            });
            let times: Vec<Duration> = plan.steps.iter().map(Step::after).collect();
            let is_ascending = times.is_sorted_by(|one, next| one < next);
            let all_reach = plan.steps.iter().all(|step| step.call_list || !step.channels.is_empty());
            prop_assert_eq!(plan.problems().is_empty(), begins && is_ascending && all_reach);
        }

        #[test]
        fn what_is_left_of_a_plan_is_in_its_order_and_reaches_people(
            steps in steps(),
            available in subsequence(Channel::ALL.to_vec(), 0..=Channel::ALL.len()),
        ) {
            let plan = Plan { name: "p".to_owned(), steps };
            let limited = plan.limited_to(&available);
            let mut whole = plan.steps.iter();
            for step in &limited.steps {
                let from = whole.find(|one| {
                    let may = |channel: &&Channel| available.contains(channel);
                    let kept: Vec<Channel> = one.channels.iter().filter(may).copied().collect();
                    (one.after_seconds, one.whom, one.call_list, kept)
                        == (step.after_seconds, step.whom, step.call_list, step.channels.clone())
                });
                prop_assert!(from.is_some(), "{:?}", step);
                prop_assert!(step.call_list || !step.channels.is_empty());
            }
            prop_assert_eq!(limited.limited_to(&available), limited);
        }
    }

    #[test]
    fn a_plan_that_starts_late_or_reaches_nobody_is_refused() {
        let mut plan = Plan::all_at_once(&[Channel::Sms]);
        assert!(plan.problems().is_empty());
        plan.steps[0].after_seconds = 5;
        plan.steps[0].channels.clear();
        assert_eq!(plan.problems().len(), 2);
    }

    #[test]
    fn a_step_without_a_usable_channel_vanishes() {
        let plan = Plan::all_at_once(&[Channel::Sms, Channel::Voice]);
        assert_eq!(
            plan.limited_to(&[Channel::Sms]).steps[0].channels,
            [Channel::Sms]
        );
        assert!(plan.limited_to(&[]).steps.is_empty());
    }
}
