//! Finds what is wrong with a configuration, and keeps the example true.

use std::collections::BTreeSet;

use muster::config::Config;

use crate::house::House;

const EXAMPLE: &str = include_str!("../../docs/muster.example.toml");

/// The example with every setting in force: `#key` is one, `# words` are words.
fn in_force() -> String {
    let setting = |line: &str| {
        let words = line
            .strip_prefix('#')
            .filter(|rest| !rest.starts_with(' ') && !rest.is_empty());
        words.unwrap_or(line).to_owned() + "\n"
    };
    EXAMPLE.lines().map(setting).collect()
}

#[test]
fn every_setting_of_the_example_is_understood_and_every_gateway_opens() {
    let house = House::new();
    house.write("muster.toml", in_force());
    let checked = house
        .command(&["config", "check"])
        .env_remove("MUSTER_DATA_DIR")
        .output()
        .unwrap();
    let err = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{err}");
    let kinds: BTreeSet<String> = in_force().parse::<toml::Table>().unwrap()["gateway"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gateway| gateway["kind"].as_str().unwrap().to_owned())
        .collect();
    for kind in muster::channel::kinds::KINDS {
        assert!(
            kinds.contains(kind.name),
            "the example has no gateway of kind {}",
            kind.name
        );
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let shown: Config = toml::from_str(&in_force()).unwrap();
    let real = Config::default();
    assert_eq!(shown.listen, real.listen);
    assert_eq!(shown.public_url.clone().unwrap(), real.public_url());
    assert_eq!(
        shown.database_url().to_string(),
        real.database_url().to_string()
    );
    assert_eq!(shown.data_dir, real.data_dir);
    assert_eq!(shown.key_path(), real.key_path());
    assert_eq!(shown.templates.as_deref().unwrap(), "message-templates");
    assert_eq!(shown.hold_seconds, real.hold_seconds);
    assert_eq!(shown.log_format, real.log_format);
    assert_eq!(
        format!("{:?}", shown.organisation),
        format!("{:?}", real.organisation)
    );
}

#[test]
fn the_example_names_every_key() {
    // An unknown key is answered with the known ones: the program's own list.
    let house = House::new();
    house.write(
        "muster.toml",
        "zz = 1\n[organisation]\nzz = 1\n[[gateway]]\nname = \"a\"\n\
        channel = \"sms\"\nkind = \"sandbox\"\nzz = 1\n",
    );
    let told = house.run(&["config", "check"]).ends(1).err;
    let quoted = |line: &str| -> Vec<String> {
        let known = line
            .split_once("expected")
            .or(line.split_once("keys are"))
            .unwrap()
            .1
            .to_owned();
        known
            .split(['`', '"'])
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let keys: BTreeSet<String> = told.lines().flat_map(quoted).collect();
    assert!(keys.len() >= 25, "{told}");
    for key in keys {
        let is_there = EXAMPLE.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.starts_with(&format!("{key} ="))
                || line.starts_with(&format!("[{key}"))
                || line.starts_with(&format!("[[{key}"))
        });
        assert!(is_there, "docs/muster.example.toml does not mention {key}");
    }
}

#[test]
fn the_example_changes_nothing_until_something_is_uncommented() {
    let house = House::new();
    let printed = house.run(&["config", "example"]).text();
    assert_eq!(printed, EXAMPLE);
    house.write("muster.toml", printed);
    house.run(&["config", "check"]).ends(0);
    let table: toml::Table = EXAMPLE.parse().unwrap();
    assert_eq!(
        table.keys().collect::<Vec<_>>(),
        ["accounts", "operations", "organisation"]
    );
    let is_empty = |value: &toml::Value| value.as_table().unwrap().is_empty();
    assert!(table.values().all(is_empty));
}

#[test]
fn every_problem_is_told_at_once() {
    let house = House::new();
    house.write(
        "muster.toml",
        "listne = 1\nlisten = \"here\"\n[[gateway]]\nname = \"a\"\n\
        channel = \"sms\"\nkind = \"kannel\"\n",
    );
    let told = house.run(&["config", "check"]).ends(1).err;
    for words in ["listne", "listen: \"here\"", "gateway \"a\""] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    let checked = house.run(&["config", "check", "--json"]).ends(1);
    let checked: serde_json::Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!(checked["problems"].as_array().unwrap().len(), 3);
    house
        .run(&["config", "check", "--config", "other.toml"])
        .fails("other.toml");
}

#[test]
fn a_mistake_is_told_with_what_to_write_and_in_no_programmers_words() {
    let house = House::new();
    house.write(
        "muster.toml",
        "listen = 8080\n[gateway]\nname = \"a\"\n[[plan]]\nname = \"p\"\n\
         [[plan.step]]\nafter_seconds = \"60\"\n",
    );
    let mut command = house.command(&["config", "check"]);
    command
        .env("MUSTER_FOO", "1")
        .env("MUSTER_ORGANISATION__NAME", "42")
        .env("MUSTER_PUBLIC_URL", "https://x y/")
        .env("MUSTER_PORT", "tcp://10.0.0.7:8080")
        .env("MUSTER_SERVICE_HOST", "10.0.0.7");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    for words in [
        "muster: listen: write a text in quotes, as in listen = \"8080\"\n",
        "muster: gateway: write [[gateway]] with two brackets",
        "muster: plan[0].step[0].after_seconds: write a whole number without quotes, as in \
         after_seconds = 60\n",
        "muster: the variable MUSTER_FOO sets no key of the configuration",
        "muster: public_url: \"https://x y/\" is no address",
    ] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    for words in ["invalid type", "expected", "NAME", "PORT", "SERVICE"] {
        assert!(!told.contains(words), "{words} is in {told}");
    }
}

#[test]
fn a_gateways_mistake_is_told_in_the_same_words() {
    let house = House::new();
    house.write(
        "muster.toml",
        "[[gateway]]\nname = \"a\"\nchannel = \"sms\"\nkind = \"sandbox\"\nslots = \"20\"\n",
    );
    house
        .run(&["config", "check"])
        .fails("gateway \"a\": slots: write a whole number without quotes, as in slots = 20");
}

#[test]
fn init_writes_a_configuration_once_and_makes_the_key() {
    let house = House::new();
    let text = house.run(&["init"]).text();
    assert!(text.contains("muster serve"), "{text}");
    assert!(house.path("data/muster.key").exists());
    assert_eq!(
        std::fs::read_to_string(house.path("muster.toml")).unwrap(),
        EXAMPLE
    );
    house.write("muster.toml", "hold_seconds = 7\n");
    let again = house.run(&["init"]).text();
    assert!(again.contains("left as it is"), "{again}");
    assert_eq!(
        std::fs::read_to_string(house.path("muster.toml")).unwrap(),
        "hold_seconds = 7\n"
    );
}

#[test]
fn the_doctor_says_what_is_missing_before_it_is_needed() {
    let house = House::new();
    let fresh = house.run(&["doctor", "--json"]).json();
    assert!(fresh.to_string().contains("there is none yet"), "{fresh}");
    assert!(!house.path("data").exists());
    house.run(&["init"]).ends(0);
    house.write(
        "muster.toml",
        "[[gateway]]\nname = \"mail\"\nchannel = \"email\"\nkind = \"smtp\"\n\
        host = \"127.0.0.1\"\nport = 1\ntls = \"none\"\nfrom = \"a@clinic.example\"\n",
    );
    let ran = house.run(&["doctor", "--json"]).ends(1);
    let findings: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let of = |what: &str| {
        let all = findings.as_array().unwrap();
        all.iter()
            .find(|one| one["what"] == what)
            .map(|one| one["health"].clone())
            .unwrap()
    };
    assert_eq!(of("gateway mail"), "bad");
    assert_eq!(of("directory"), "bad");
    assert_eq!(of("key"), "good");
    assert_eq!(of("drills"), "warning");
}

#[test]
fn wrong_usage_ends_with_two_and_help_with_nought() {
    let house = House::new();
    house.run(&["--help"]).ends(0);
    house.run(&["--version"]).ends(0);
    house.run(&[]).ends(2);
    house.run(&["launch"]).ends(2);
    house.run(&["send", "closure", "--to", "all-staff"]).ends(2);
    house.run(&["send", "closure", "--live"]).ends(2);
    house
        .run(&["send", "closure", "--to", "a", "--live", "--set", "reason"])
        .ends(2);
}
