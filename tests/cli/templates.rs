//! Checks and approves message templates.

use crate::house::House;

on_both! {
    fn approving_is_told_with_the_version_and_lasts(house: &House) {
        house.run(&["migrate"]).ends(0);
        let listed = house.run(&["templates", "list", "--json"]).json();
        assert!(listed.as_array().unwrap().len() >= 10, "{listed}");
        assert!(listed.as_array().unwrap().iter().all(|template| template["approved"] == false));
        let approved = house.run(&["templates", "approve", "closure", "all-clear"]).text();
        assert!(approved.contains("closure: version 1 is approved"), "{approved}");
        house.run(&["templates", "approve", "closre"]).fails("closre");
        let one = |name: &str| {
            let listed = house.run(&["templates", "list", "--json"]).json();
            let found = listed.as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
            found.unwrap()["approved"].clone()
        };
        assert_eq!(one("closure"), true);
        assert_eq!(one("evacuation"), false);
        house.run(&["templates", "approve", "--all"]).ends(0);
        assert_eq!(one("evacuation"), true);
    }
}

#[test]
fn the_shipped_templates_have_no_errors() {
    let house = House::new();
    let text = house.run(&["templates", "check"]).text();
    assert!(text.contains("no errors"), "{text}");
    house.run(&["templates", "check", "nowhere"]).ends(1);
    house.run(&["templates", "approve"]).ends(2);
}

#[test]
fn a_broken_template_is_named_and_not_approved() {
    let house = House::new();
    std::fs::create_dir_all(house.path("message-templates/fire/en")).unwrap();
    house.write(
        "message-templates/fire/template.toml",
        "severity = \"dreadful\"",
    );
    let ran = house.run(&["templates", "check"]).ends(1);
    assert!(ran.out.contains("fire/template.toml"), "{ran:?}");
    house.run(&["templates", "approve", "fire"]).fails("fire");
    house.run(&["templates", "approve", "--all"]).fails("fire");
}
