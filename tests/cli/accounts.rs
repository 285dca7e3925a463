//! Makes tokens and accounts on the server's own database.

use crate::house::House;

on_both! {
    fn a_token_is_made_before_the_server_ever_ran(house: &House) {
        let token = house.token();
        assert!(token.starts_with("muster_"), "{token}");
        let listed = house.run(&["token", "list"]).text();
        assert!(listed.contains("test") && listed.contains("admin") && !listed.contains(&token));
        house.run(&["token", "revoke", &token]).ends(0);
        assert!(house.run(&["token", "list"]).text().contains("revoked"));
        house.run(&["token", "revoke", &token]).fails("no token");
    }

    fn the_log_of_acts_holds_what_was_done(house: &House) {
        house.token();
        let verdict = house.run(&["audit", "verify", "--json"]).json();
        assert_eq!(verdict["problems"].as_array().unwrap().len(), 0);
        assert!(verdict["entries"].as_i64().unwrap() >= 1);
        let checked = house.run(&["audit", "check", "--json"]).json();
        assert_eq!(checked["clean"], true, "{checked}");
        assert!(checked["invariants"].as_array().unwrap().len() >= 7);
    }
}

#[test]
fn an_unknown_scope_is_answered_with_the_possible_ones() {
    let house = House::new();
    let ran = house
        .run(&["token", "create", "--name", "x", "--scope", "alerts:launch"])
        .ends(2);
    assert!(
        ran.err.contains("alerts:launch") && ran.err.contains("alerts:send:<template>"),
        "{ran:?}"
    );
}

#[test]
fn a_password_comes_from_stdin_or_a_file_and_never_from_the_arguments() {
    let house = House::new();
    let add = [
        "user",
        "add",
        "ana",
        "--name",
        "Ana Cruz",
        "--role",
        "sender,directory-admin",
    ];
    house
        .run_with(&add, "short\n")
        .fails("at least 12 characters");
    house.run_with(&add, "").fails("no password");
    house.run_with(&add, "four unrelated words here\n").ends(0);
    house
        .run_with(&add, "four unrelated words here\n")
        .fails("taken");
    house.write("secret", "four unrelated words here\n");
    let from_file = [
        "user",
        "add",
        "bo",
        "--name",
        "Bo",
        "--role",
        "approver",
        "--password-file",
        "secret",
    ];
    house.run(&from_file).ends(0);
    house
        .run(&["user", "add", "cid", "--name", "Cid", "--role", "root"])
        .ends(2);
    let users = house.run(&["user", "list", "--json"]).json();
    assert_eq!(users[0]["login"], "ana");
    assert_eq!(
        users[0]["roles"],
        serde_json::json!(["sender", "directory_admin"])
    );
    assert_eq!(users[1]["has_password"], true);
}

#[test]
fn a_login_may_come_last() {
    let house = House::new();
    let words = [
        "user", "add", "--link", "--name", "Bob", "--role", "sender", "bob",
    ];
    let told = house.run(&words).text();
    assert!(told.starts_with("Bob can sign in as bob"), "{told}");
}

#[test]
fn a_person_can_be_let_in_by_a_link() {
    let house = House::new();
    let added = house.run(&[
        "user", "add", "ana", "--name", "Ana", "--role", "sender", "--link",
    ]);
    assert!(
        added
            .text()
            .lines()
            .any(|line| line.starts_with("Sign in: http://"))
    );
}
