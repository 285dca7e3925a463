//! Sends through a running server, watches, stops, corrects.

use crate::house::{House, Server, until};

/// Two reachable people and one template, ready to send.
fn ready(house: &House) -> (Server, String) {
    let token = house.token();
    house.write(
        "staff.csv",
        "name,mobile,email,groups\nAna,+12025550101,ana@clinic.example,all-staff\n\
         Bo,,bo@clinic.example,all-staff\n",
    );
    house.run(&["contacts", "import", "staff.csv"]).ends(0);
    (house.serve(), token)
}

on_both! {
    fn an_alert_is_sent_awaited_and_looked_up(house: &House) {
        let (server, token) = ready(house);
        let run = |words: &[&str]| server.run(house, &token, words);
        let send = ["send", "closure", "--to", "all-staff", "--set", "reason=burst pipe", "--live"];
        run(&send).fails("not approved");
        // Approved beside the running server, which takes notice.
        house.run(&["templates", "approve", "closure", "all-clear", "correction"]).ends(0);

        let told = run(&[&send[..], &["--wait"]].concat()).text();
        assert!(told.starts_with("LIVE alert 1 goes to 2 people"), "{told}");
        assert!(told.contains("in all"), "{told}");
        let alert = run(&["status", "1", "--json"]).json();
        assert_eq!(alert["counts"]["recipients"], 2);
        assert_eq!(alert["counts"]["queued"], 0);
        assert_eq!(run(&["status", "last", "--json"]).json()["id"], alert["id"]);
        run(&["status", "9"]).fails("no alert 9");
        run(&["status", "closure"]).ends(2);

        run(&["stop", "1"]).ends(0);
        run(&["stop", "1"]).fails("over");
        run(&["all-clear", "1", "--wait"]).ends(0);
        let all_clear = run(&["status", "2", "--json"]).json();
        assert_eq!((&all_clear["template"], &all_clear["counts"]["recipients"]), (&"all-clear".into(), &2.into()));
        run(&["correct", "1"]).ends(0);
        house.run(&["audit", "check"]).ends(0);
        house.run(&["audit", "verify"]).ends(0);
    }

    fn the_last_alert_is_never_one_of_its_follow_ups(house: &House) {
        let (server, token) = ready(house);
        let run = |words: &[&str]| server.run(house, &token, words);
        house.run(&["templates", "approve", "closure", "update"]).ends(0);
        run(&["status", "last"]).fails("there is no alert yet");
        run(&["send", "closure", "--to", "all-staff", "--set", "reason=x", "--live"]).ends(0);
        run(&["update", "last", "--set", "news=open again soon"]).ends(0);
        run(&["stop", "last"]).ends(0);
        assert_eq!(run(&["status", "1", "--json"]).json()["state"], "stopped");
        assert_eq!(run(&["status", "last", "--json"]).json()["number"], 1);
    }
}

#[test]
fn whoever_waits_for_json_gets_one_value() {
    let house = House::new();
    let (server, token) = ready(&house);
    let run = |words: &[&str]| server.run(&house, &token, words).json();
    house
        .run(&["templates", "approve", "closure", "all-clear"])
        .ends(0);
    let send = [
        "send",
        "closure",
        "--to",
        "all-staff",
        "--set",
        "reason=x",
        "--live",
        "--wait",
        "--json",
    ];
    let sent = run(&send);
    assert_eq!(sent["number"], 1);
    assert_eq!(sent["counts"]["queued"], 0);
    let all_clear = run(&["all-clear", "1", "--wait", "--json"]);
    assert_eq!(all_clear["number"], 2);
    assert_eq!(all_clear["counts"]["recipients"], 2);
}

#[test]
fn words_behind_an_option_do_not_swallow_the_template() {
    let house = House::new();
    let (server, token) = ready(&house);
    house.run(&["templates", "approve", "closure"]).ends(0);
    let run = |words: &[&str]| server.run(&house, &token, words);
    let told = run(&["send", "--live", "--to", "all-staff", "closure"]).ends(2);
    assert!(
        told.err
            .contains("the template comes first: muster send closure --to all-staff --live"),
        "{told:?}"
    );
    let told = run(&["update", "--set", "news=x", "last"]).ends(2);
    assert!(told.err.contains("comes before --set"), "{told:?}");
    // Behind the template, several words and commas are several groups.
    for groups in [&["all-staff", "nobody"][..], &["all-staff,nobody"]] {
        run(&[
            &["send", "closure", "--to"],
            groups,
            &["--live", "--set", "reason=x"],
        ]
        .concat())
        .fails("nobody");
    }
}

#[test]
fn a_blank_that_is_filled_twice_is_refused_by_name() {
    let house = House::new();
    for words in [
        &[
            "send", "closure", "--to", "a", "--live", "--set", "reason=x", "reason=y",
        ][..],
        &["update", "1", "--set", "reason=x", "--set", "reason=y"],
    ] {
        let told = house.run(words).ends(2);
        assert!(told.err.contains("\"reason\" twice"), "{told:?}");
    }
}

#[test]
fn a_person_who_is_no_id_is_told_plainly() {
    let house = House::new();
    let told = house
        .run(&["send", "closure", "--contact", "Ana", "--live"])
        .ends(2);
    assert!(told.err.contains("write a person's id"), "{told:?}");
}

#[test]
fn the_same_key_is_the_same_alert() {
    let house = House::new();
    let (server, token) = ready(&house);
    house.run(&["templates", "approve", "closure"]).ends(0);
    let send = |reason: &str| {
        let set = format!("reason={reason}");
        let words = [
            "send",
            "closure",
            "--to",
            "all-staff",
            "--drill",
            "--key",
            "k1",
            "--json",
            "--set",
            &set,
        ];
        server.run(&house, &token, &words)
    };
    let first = send("burst pipe").json();
    assert_eq!(first["mode"], "drill");
    assert_eq!(send("burst pipe").json()["id"], first["id"]);
    send("power cut").fails("key");
}

#[test]
fn a_refusal_of_the_server_is_its_own_sentence() {
    let house = House::new();
    let (server, token) = ready(&house);
    house.run(&["templates", "approve", "closure"]).ends(0);
    let run = |words: &[&str]| server.run(&house, &token, words);
    run(&[
        "send", "closure", "--to", "nobody", "--live", "--set", "reason=x",
    ])
    .fails("nobody");
    run(&["send", "closre", "--to", "all-staff", "--live"]).fails("closre");
    run(&["send", "closure", "--to", "all-staff", "--live"]).fails("reason");
    server
        .run(&house, "muster_wrong", &["status", "last"])
        .ends(1);
    house.run(&["status", "last"]).fails("token");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let house = House::new();
    let mut command = house.command(&["status", "last"]);
    command
        .env("MUSTER_URL", "http://127.0.0.1:1")
        .env("MUSTER_TOKEN", "x");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("http://127.0.0.1:1 cannot be reached"),
        "{said}"
    );
}

#[test]
fn a_template_that_is_changed_on_disk_is_refused_until_it_is_approved_again() {
    let house = House::new();
    copy(&shipped(), &house.path("message-templates"));
    let (server, token) = ready(&house);
    house.run(&["templates", "approve", "closure"]).ends(0);
    let send = || {
        let words = [
            "send",
            "closure",
            "--to",
            "all-staff",
            "--live",
            "--set",
            "reason=x",
        ];
        server.run(&house, &token, &words)
    };
    send().ends(0);
    let text = house.path("message-templates/closure/en/sms.hbs");
    let approved = std::fs::read_to_string(&text).unwrap();
    std::fs::write(&text, format!("{approved} Stay at home.")).unwrap();
    let refused = until("the change to be noticed", || {
        let ran = send();
        (ran.code == 1).then_some(ran)
    });
    refused.fails("changed after its approval");
    let approved = house.run(&["templates", "approve", "closure"]).text();
    assert!(approved.contains("version 2"), "{approved}");
    send().ends(0);
}

fn shipped() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("message-templates")
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
