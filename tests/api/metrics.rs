//! What Prometheus reads, and the alert rules for it, judged by Prometheus' own tool.

use std::io::Write as _;
use std::process::{Command, Stdio};

use reqwest::Method;

use crate::environment::variable;
use crate::on_both;
use crate::served::Served;

const RULES: &str = "docs/operations/muster.rules.yml";

/// Runs promtool in the folder of the rules; fails with its own words.
fn promtool(arguments: &[&str], input: &str) {
    let mut tool = Command::new(variable("MUSTER_TEST_PROMTOOL"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}\n{input}");
}

async fn figures(served: &Served) -> String {
    let answer = served.send(served.request(Method::GET, "/metrics")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

#[test]
fn the_alert_rules_are_valid_and_fire_when_they_should() {
    promtool(&["check", "rules", "muster.rules.yml"], "");
    promtool(&["test", "rules", "muster.rules.test.yml"], "");
}

/// The figures that a text of rules names.
fn named(rules: &str) -> Vec<&str> {
    let words = rules.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let mut names: Vec<_> = words.filter(|word| word.starts_with("muster_")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

on_both! {
    async fn prometheus_finds_nothing_wrong_with_the_figures(served: Served) {
        served.start_sending().await;
        served.launched().await;
        served.received(3).await;
        muster::operate::self_watch::turn(&served.app).await;
        promtool(&["check", "metrics"], &figures(&served).await);
    }

    async fn every_figure_that_a_rule_names_is_there(served: Served) {
        served.start_sending().await;
        muster::operate::self_watch::turn(&served.app).await;
        let figures = figures(&served).await;
        let rules = std::fs::read_to_string(format!("{}/{RULES}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let names = named(&rules);
        assert!(names.len() > 8, "{names:?}");
        for name in names {
            let only = match name {
                "muster_lease_held" => served.app.db.is_shared(),
                // Beside an embedded database of a real server: tests/faults looks at it.
                "muster_disk_low" => continue,
                _ => true,
            };
            let is_there = figures.lines().any(|line| line.starts_with(name));
            assert_eq!(is_there, only, "{name}: {figures}");
        }
    }

    async fn the_heartbeat_stays_away_while_a_clock_is_off(served: Served) {
        served.start_sending().await;
        served.app.clock.jump(3_600_000);
        muster::operate::self_watch::turn(&served.app).await;
        assert_eq!(served.monitoring.untaken(), 0, "silence is the alarm");
        served.app.clock.jump(-3_600_000);
        muster::operate::self_watch::turn(&served.app).await;
        assert_eq!(served.monitoring.untaken(), 1);
    }

    async fn a_write_is_measured(served: Served) {
        let count = |text: String| {
            let line = text.lines().find(|line| line.starts_with("muster_commit_seconds_count"));
            line.unwrap().rsplit(' ').next().unwrap().parse::<u64>().unwrap()
        };
        let before = count(figures(&served).await);
        served.token(&["read"]).await;
        assert!(count(figures(&served).await) > before);
    }
}

async fn says_what_it_knows_without_its_database(served: Served) {
    served.start_sending().await;
    muster::operate::self_watch::turn(&served.app).await;
    let before = figures(&served).await;
    assert!(before.contains("muster_database_up 1\n"), "{before}");
    served.app.db.close().await;
    // Nobody can look into the database any more: the test ends without the usual look.
    let after = figures(&served).await;
    promtool(&["check", "metrics"], &after);
    for line in [
        "muster_database_up 0\n",
        "muster_gateway_down{gateway=\"phones\"} 0\n",
        "muster_check_age_seconds ",
    ] {
        assert!(after.contains(line), "{line}: {after}");
    }
    for name in [
        "muster_lag_seconds",
        "muster_alerts_running",
        "muster_deliveries",
    ] {
        assert!(
            before.contains(name) && !after.contains(name),
            "{name}: {after}"
        );
    }
}

#[tokio::test]
async fn without_its_database_the_service_still_says_what_it_knows_on_sqlite() {
    says_what_it_knows_without_its_database(Served::on_sqlite().await).await;
}

#[tokio::test]
async fn without_its_database_the_service_still_says_what_it_knows_on_postgres() {
    says_what_it_knows_without_its_database(Served::on_postgres().await).await;
}
