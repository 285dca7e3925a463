//! A list of people comes in by the page: read, shown, applied once.

use axum::http::StatusCode;
use muster::account::role::Role;

use crate::on_both;

const STAFF: &str = "name;mobile;email;groups\n\
                     Ana Cruz;+1 202 555 0101;ana@clinic.example;Night shift\n\
                     Ben Diaz;+1 202 555 0102;;\n\
                     ;+1 202 555 0103;;\n";

on_both! {
    async fn a_file_is_shown_first_and_applied_once(house: House) {
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;

        let uploaded = browser.upload("/people/import", "staff.csv", STAFF.as_bytes()).await;

        assert_eq!(uploaded.status, StatusCode::SEE_OTHER, "{}", uploaded.text);
        let kept = uploaded.header("location").to_owned();
        let preview = browser.get(&kept).await;
        preview.says("staff.csv").says("<b>2</b> new").says("<b>1</b> rejected").says("Night shift");
        browser.get("/people").await.says("There is nobody here yet");

        browser.post(&kept, &[]).await.leads_to(&kept);
        browser.post(&kept, &[]).await.leads_to(&kept);

        browser.get(&kept).await.says("2 people added").says("Line 4");
        browser.get("/people").await.says("Ana Cruz").says("Ben Diaz").says("2 people: 2 staff");
        let again = browser.upload("/people/import", "staff.csv", STAFF.as_bytes()).await;
        let kept = again.header("location").to_owned();
        browser.get(&kept).await.says("There is nothing to apply").says("<b>2</b> unchanged");
    }

    async fn a_file_of_the_wrong_kind_is_refused_in_a_sentence(house: House) {
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;

        let sheet = browser.upload("/people/import", "staff.xlsx", b"PK\x03\x04rest").await;
        let people = browser.upload("/people/import", "staff.csv", b"Ana,ana@clinic.example\n").await;
        let none = browser.upload("/people/import", "", b"").await;

        for refused in [&sheet, &people, &none] {
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            refused.says("Nothing was read in.");
        }
        sheet.says("not an Excel workbook that can be read");
        browser.get("/people").await.says("There is nobody here yet");
    }

    async fn columns_with_other_names_are_explained_once_and_then_shown_as_they_were_meant(house: House) {
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;
        let file = "Person;Nummer;Kurs\nAna Cruz;+1 202 555 0101;first aid\n";

        let uploaded = browser.upload("/people/import", "liste.csv", file.as_bytes()).await;

        let kept = uploaded.header("location").to_owned();
        let columns = format!("{kept}/columns");
        browser.get(&kept).await.leads_to(&columns);
        let asked = browser.get(&columns).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        asked.says("no column").says("Nummer").says("+1 202 555 0101");
        browser.post(&columns, &[("column-0", "name"), ("column-1", "name")]).await.leads_to(&kept);
        browser.get(&columns).await.says("both mean name");
        let meant = [("column-1", "mobile"), ("column-2", "left_out")];
        browser.post(&columns, &meant).await.leads_to(&kept);
        browser.get(&kept).await.says("<b>1</b> new");
        browser.get(&columns).await.says("value=\"mobile\" selected").says("value=\"name\" selected");
        browser.post(&kept, &[]).await.leads_to(&kept);
        let people = browser.get("/people").await;
        let page = people.text.split("href=\"/people/0").nth(1).unwrap().split('"').next().unwrap();
        let person = browser.get(&format!("/people/0{page}")).await;
        person.says("+12025550101").does_not_say("first aid");
    }

    async fn a_workbook_is_read_from_its_first_visible_sheet(house: House) {
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;
        let workbook = include_bytes!("../support/staff.xlsx");

        let uploaded = browser.upload("/people/import", "staff.xlsx", workbook).await;

        let kept = uploaded.header("location").to_owned();
        let preview = browser.get(&kept).await;
        preview.says("sheet “Staff” alone").says("<b>1</b> new").says("Line 3").says("Line 6");
        browser.post(&kept, &[]).await.leads_to(&kept);
        let people = browser.get("/people").await;
        people.says("Ben Diaz").says("porter").does_not_say("Hidden Person");
    }

    async fn a_kept_file_is_nobody_elses(house: House) {
        let mut owner = house.signed_in(&[Role::DirectoryAdmin]).await;
        let uploaded = owner.upload("/people/import", "staff.csv", STAFF.as_bytes()).await;
        let kept = uploaded.header("location").to_owned();
        let mut sender = house.signed_in(&[Role::Sender]).await;

        assert_eq!(sender.get(&kept).await.status, StatusCode::FORBIDDEN);
        assert_eq!(sender.post(&kept, &[]).await.status, StatusCode::FORBIDDEN);
        house.user("second", &[Role::DirectoryAdmin]).await;
        let mut second = house.browser();
        let password = crate::browser::PASSWORD;
        second.post("/sign-in", &[("login", "second"), ("password", password)]).await.leads_to("/");
        assert_eq!(second.get(&kept).await.status, StatusCode::GONE);
    }
}
