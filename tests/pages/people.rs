//! One person in one alert: what happened, in plain words, and the answer entered for them.

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::ids::{ContactId, DeliveryId};

use crate::browser::Form;
use crate::on_both;

on_both! {
    async fn a_person_page_says_no_more_than_is_known(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let page = sender.get(&format!("/alerts/{}/people/{ana}", alert.id)).await;
        page.says("nurse, day unit · staff · English")
            .says("Text to +41•••••567 accepted by the gateway. The phone has not confirmed.")
            .says("E-mail to a•••@clinic.example accepted by the gateway.")
            .says_not("ana@clinic.example");
        assert!(!page.words().to_lowercase().contains("success"));
        let mia = desk.recipient(&alert, "Mia Roth").await;
        let page = sender.get(&format!("/alerts/{}/people/{mia}", alert.id)).await;
        page.says("Not reached").says("No mobile number. No text was sent.");
    }

    async fn numbers_are_for_callers_and_never_for_whoever_only_looks(desk: Desk) {
        let sender = desk.sender().await;
        let auditor = desk.signed_in("auditor", &[Role::Auditor]).await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let path = format!("/alerts/{}/people/{ana}", alert.id);
        sender.get(&path).await.says("Call +41791234567");
        let page = auditor.get(&path).await;
        page.says_not("+41791234567").says("+41•••••567").says_not("Mark answered");
        assert!(!page.html.contains("tel:"));
        // Once the alert is over, a sender has no reason to call any more.
        sender.post(&Form { action: format!("/alerts/{}/stop", alert.id), fields: Vec::new() }).await;
        sender.get(&path).await.says_not("+41791234567");
    }

    async fn an_answer_entered_for_someone_is_kept_with_who_entered_it(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let path = format!("/alerts/{}/people/{ana}", alert.id);
        let form = sender.get(&path).await.form(&format!("{path}/answer"));
        let form = form.with("answer", "read").with("how", "radio").with("note", "on the ward");
        assert_eq!(sender.post(&form).await.goes_to(), format!("/alerts/{}", alert.id));
        // Pressed twice, it is one answer.
        sender.post(&form).await.goes_to();
        let page = sender.get(&path).await;
        page.says("Answered “I have read this” to someone who entered it here. Entered by mara.");
        page.says("Note: By radio: on the ward");
        let answers = muster::storage::responses::list_of(&desk.app.db, &[ana]).await.unwrap();
        assert_eq!(answers.len(), 1);

        let wrong = sender.post(&form.with("answer", "maybe")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("is no answer to this alert").says("Nothing was changed or sent.");
    }

    async fn a_number_that_could_not_be_reached_says_so_in_the_directory(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let ana = desk.recipient(&alert, "Ana Cruz").await;
        let failed: Result<ContactId, muster::storage::Error> = desk.app.db.write("test.fail", move |tx| Box::pin(async move {
            let (id, contact): (DeliveryId, ContactId) = tx
                .sql("UPDATE delivery SET reason = 'The number does not exist.'
                      WHERE recipient = $1 AND channel = 'sms'
                      RETURNING id, (SELECT contact_id FROM recipient WHERE id = delivery.recipient)")
                .bind(ana).fetch_one().await?;
            muster::storage::unreached::mark_points(tx, &[id], crate::desk::START).await?;
            Ok(contact)
        })).await;
        let page = sender.get(&format!("/people/{}", failed.unwrap())).await;
        page.says("Not reached on").says("The number does not exist.");
    }
}
