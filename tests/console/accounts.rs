//! Accounts and tokens: made, changed and closed on one page, by system administrators alone.

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::account::token;

use crate::browser::PASSWORD;
use crate::on_both;

on_both! {
    async fn a_person_without_a_password_gets_a_link_and_sets_one(house: House) {
        let mut admin = house.signed_in(&[Role::SystemAdmin]).await;

        let fields = [("name", "Rosa Ortiz"), ("login", "rosa"), ("password", ""), ("role", "sender")];
        let made = admin.post("/accounts/users", &fields).await;

        made.says("shown once").says("Rosa Ortiz");
        let (_, rest) = made.text.split_once("http://muster.test/sign-in/").unwrap();
        let link = format!("/sign-in/{}", rest.split('<').next().unwrap());
        let mut rosa = house.browser();
        rosa.post(&link, &[]).await.leads_to("/");
        rosa.get("/password").await.does_not_say("Password of now");
        rosa.post("/password", &[("password", PASSWORD)]).await.leads_to("/account");
        assert_eq!(rosa.get("/people").await.status, StatusCode::OK);
        let fields = [("login", "rosa"), ("password", PASSWORD)];
        house.browser().post("/sign-in", &fields).await.leads_to("/");
    }

    async fn changing_a_password_needs_the_one_of_now(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let mut rosa = house.browser();
        rosa.post("/sign-in", &[("login", "rosa"), ("password", PASSWORD)]).await;
        let new = "another long sentence of mine";

        let wrong = rosa.post("/password", &[("current", "guess"), ("password", new)]).await;

        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("Nothing was changed");
        rosa.post("/password", &[("current", PASSWORD), ("password", new)]).await.leads_to("/account");
        let old = [("login", "rosa"), ("password", PASSWORD)];
        let refused = house.browser().post("/sign-in", &old).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    async fn a_closed_account_is_out_at_its_next_request(house: House) {
        let mut admin = house.signed_in(&[Role::SystemAdmin]).await;
        let mut sender = house.signed_in(&[Role::Sender]).await;
        let page = admin.get("/accounts").await;
        let close = page.text.split("action=\"").find(|part| part.contains("/close\"")).unwrap();
        let close = close.split('"').next().unwrap().to_owned();
        assert_eq!(sender.get("/people").await.status, StatusCode::OK);

        admin.post(&close, &[]).await.leads_to("/accounts");

        assert_eq!(sender.get("/people").await.status, StatusCode::SEE_OTHER);
        admin.get("/accounts").await.says("Closed on 22 November 2026").says("Open again");
    }

    async fn the_last_administrator_cannot_give_the_role_away(house: House) {
        let mut admin = house.signed_in(&[Role::SystemAdmin]).await;
        let page = admin.get("/accounts").await;
        let roles = page.text.split("action=\"").find(|part| part.contains("/roles\"")).unwrap();
        let roles = roles.split('"').next().unwrap().to_owned();

        let refused = admin.post(&roles, &[("role", "sender")]).await;

        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.says("last system administrator");
    }

    async fn a_token_is_shown_once_works_and_is_revoked(house: House) {
        let mut admin = house.signed_in(&[Role::SystemAdmin]).await;
        let fields = [("token_name", "monitoring"), ("template", "closure"), ("scope", "read")];

        let made = admin.post("/accounts/tokens", &fields).await;

        let (_, rest) = made.text.split_once("class=\"secret\">").unwrap();
        let secret = rest.split('<').next().unwrap().to_owned();
        assert!(secret.starts_with("muster_"));
        let owner = token::authenticate(&house.app.db, &secret, house.now()).await.unwrap().unwrap();
        assert_eq!(owner.scopes.words(), ["read", "alerts:send:closure"]);
        let page = admin.get("/accounts").await;
        page.does_not_say(&secret).says("monitoring");
        let revoke = page.text.split("action=\"").find(|part| part.contains("/revoke\"")).unwrap();
        let revoke = revoke.split('"').next().unwrap().to_owned();
        admin.post(&revoke, &[]).await.leads_to("/accounts");
        admin.post(&revoke, &[]).await.leads_to("/accounts");
        let owner = token::authenticate(&house.app.db, &secret, house.now()).await.unwrap();
        assert_eq!(owner, None);
    }

    async fn nobody_else_sees_the_accounts(house: House) {
        for role in [Role::Sender, Role::Approver, Role::DirectoryAdmin, Role::Auditor] {
            let mut browser = house.signed_in(&[role]).await;
            assert_eq!(browser.get("/accounts").await.status, StatusCode::FORBIDDEN, "{role}");
            let fields = [("token_name", "x"), ("scope", "admin")];
            let made = browser.post("/accounts/tokens", &fields).await;
            assert_eq!(made.status, StatusCode::FORBIDDEN, "{role}");
        }
    }
}
