//! C0, C1 and C7 to C11: the server dies while it keeps a launch, a receipt, an answer, a step of the
//! plan, or an act of a person.

use serde_json::json;

use super::on_stores;
use super::scene::Scene;
use crate::book::Desk;
use crate::muster::Store;
use crate::support::environment::http_client;

/// Posts a form. None if the server breaks off; else the status and the page.
async fn post(url: &str, form: &[(&str, &str)]) -> Option<(u16, String)> {
    let answer = http_client().post(url).form(form).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

async fn page(url: &str) -> String {
    http_client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// A scene whose one message was taken; the server is down.
async fn told(store: Store, more: &str) -> Scene {
    let mut scene = Scene::new(store, Desk::Blind, more).await;
    scene.start("").await;
    scene.launch().await.unwrap();
    scene.accepted(1).await;
    scene.muster.kill().await;
    scene
}

/// Two steps, a second apart.
const TWO_STEPS: &str = r#"
[[plan]]
name = "two-steps"
[[plan.step]]
after_seconds = 0
whom = "everyone"
channels = ["sms"]
[[plan.step]]
after_seconds = 1
whom = "silent"
channels = ["sms"]
"#;

/// A reminder is due and the server dies over it: in the end there is one of each step.
async fn each_step_is_made_once(store: Store, point: &str) {
    let mut scene = Scene::new(store, Desk::Keyed, TWO_STEPS).await;
    scene.start(point).await;
    scene.launch_by("two-steps").await.unwrap();
    scene.muster.died().await;
    scene.restart().await;
    let person = scene.accepted(2).await;
    let deliveries = person["deliveries"].as_array().unwrap();
    let steps: Vec<_> = deliveries
        .iter()
        .map(|one| one["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [0, 1]);
    let entries = scene.entries();
    assert_eq!(
        entries.iter().filter(|entry| !entry.again).count(),
        2,
        "{entries:?}"
    );
    scene.muster.audit().await;
}

/// What a gateway would post about the one message.
async fn report(scene: &Scene) -> Option<(u16, String)> {
    let url = scene.muster.url("/callbacks/sms/status?token=secret");
    let name = std::fs::read_to_string(scene.muster.folder().join("gateway_id")).unwrap();
    post(&url, &[("id", &name), ("status", "delivered")]).await
}

/// A message was taken, and the server dies over its receipt.
async fn dies_over_a_receipt(store: Store, point: &str) -> Scene {
    let mut scene = Scene::new(store, Desk::Blind, "callback_token = \"secret\"\n").await;
    scene.start("").await;
    scene.launch().await.unwrap();
    let person = scene.accepted(1).await;
    let name = person["deliveries"][0]["gateway_id"].as_str().unwrap();
    std::fs::write(scene.muster.folder().join("gateway_id"), name).unwrap();
    scene.muster.kill().await;
    scene.start(point).await;
    assert_eq!(report(&scene).await, None, "it is not told that we have it");
    scene.muster.died().await;
    scene.restart().await;
    scene
}

async fn assert_delivered_once(scene: &Scene) {
    assert_eq!(scene.person().await["deliveries"][0]["state"], "delivered");
    assert_eq!(scene.count("receipt").await, 1);
    scene.muster.audit().await;
}

/// The link of the one message.
fn link(scene: &Scene) -> String {
    let text = scene.entries()[0].text.clone();
    let words = text.split_whitespace();
    words
        .into_iter()
        .find(|word| word.contains("/a/"))
        .unwrap()
        .to_owned()
}

on_stores! {
    async fn c00_a_launch_cut_off_before_its_commit_never_was(store: Store) {
        let mut scene = Scene::new(store, Desk::Blind, "").await;
        scene.start("launch.before_commit").await;
        assert!(scene.launch().await.is_none());
        scene.muster.died().await;
        scene.restart().await;
        assert!(scene.alerts().await.is_empty());
        assert!(scene.entries().is_empty());
        // The same key again launches it now.
        scene.launch().await.unwrap();
        scene.accepted(1).await;
        assert_eq!(scene.entries().len(), 1);
        scene.muster.audit().await;
    }

    async fn c01_a_launch_cut_off_after_its_commit_goes_out_and_its_key_knows_it(store: Store) {
        let mut scene = Scene::new(store, Desk::Blind, "").await;
        scene.start("launch.after_commit").await;
        assert!(scene.launch().await.is_none());
        scene.muster.died().await;
        scene.restart().await;
        scene.accepted(1).await;
        let again = scene.launch().await.unwrap();
        let alerts = scene.alerts().await;
        assert_eq!((alerts.len(), &alerts[0]["id"]), (1, &again["id"]));
        assert_eq!(scene.entries().len(), 1);
        scene.muster.audit().await;
    }

    async fn c07_a_receipt_cut_off_before_its_commit_is_taken_when_it_comes_again(store: Store) {
        let scene = dies_over_a_receipt(store, "receipt.before_commit").await;
        assert_eq!(scene.person().await["deliveries"][0]["state"], "accepted");
        assert_eq!(scene.count("receipt").await, 0);
        assert_eq!(report(&scene).await.unwrap().0, 200);
        assert_delivered_once(&scene).await;
    }

    async fn c07_a_receipt_cut_off_after_its_commit_counts_once_when_it_comes_again(store: Store) {
        let scene = dies_over_a_receipt(store, "receipt.after_commit").await;
        assert_delivered_once(&scene).await;
        assert_eq!(report(&scene).await.unwrap().0, 200);
        assert_delivered_once(&scene).await;
    }

    async fn c08_an_answer_cut_off_before_its_commit_is_not_shown_and_can_be_given_again(store: Store) {
        let mut scene = told(store, "").await;
        scene.start("answer.before_commit").await;
        let link = link(&scene);
        assert_eq!(post(&link, &[("o", "safe")]).await, None);
        scene.muster.died().await;
        scene.restart().await;
        assert!(page(&link).await.contains("No answer has been recorded yet."));
        let (status, shown) = post(&link, &[("o", "safe")]).await.unwrap();
        assert!(status == 200 && shown.contains("Recorded:"), "{status} {shown}");
        assert_eq!(scene.person().await["answer"], "safe");
        scene.muster.audit().await;
    }

    async fn c09_an_answer_cut_off_after_its_commit_is_shown_and_its_time_stands(store: Store) {
        let mut scene = told(store, "").await;
        scene.start("answer.after_commit").await;
        let link = link(&scene);
        assert_eq!(post(&link, &[("o", "safe")]).await, None);
        scene.muster.died().await;
        scene.restart().await;
        assert!(page(&link).await.contains("Recorded:"));
        let first = scene.person().await;
        post(&link, &[("o", "help")]).await.unwrap();
        let second = scene.person().await;
        assert_eq!((&first["answer"], &second["answer"]), (&json!("safe"), &json!("help")));
        assert_eq!(first["answered_at"], second["answered_at"]);
        scene.muster.audit().await;
    }

    async fn c10_a_step_cut_off_before_its_commit_is_made_once(store: Store) {
        each_step_is_made_once(store, "step.before_commit").await;
    }

    async fn c10_a_step_cut_off_after_its_commit_is_made_once(store: Store) {
        each_step_is_made_once(store, "step.after_commit").await;
    }

    async fn c11_an_act_cut_off_before_its_commit_is_neither_done_nor_in_the_chain(store: Store) {
        let mut scene = told(store, "").await;
        // With an account there is no set-up link, whose making is an act too.
        let arguments = ["user", "add", "noor", "--name", "Noor", "--role", "sender", "--link"];
        scene.muster.json(&arguments).await;
        let acts = scene.count("audit_entry").await;
        scene.start("audit.before_commit").await;
        let stop = format!("/api/v1/alerts/{}/stop", scene.alerts().await[0]["id"].as_str().unwrap());
        assert!(scene.muster.try_post(&stop, "stop", &json!({})).await.is_none());
        scene.muster.died().await;
        scene.restart().await;
        assert_eq!(scene.alerts().await[0]["state"], "running");
        assert_eq!(scene.count("audit_entry").await, acts);
        scene.muster.audit().await;
        let (status, _) = scene.muster.try_post(&stop, "stop", &json!({})).await.unwrap();
        assert_eq!(status, 200);
        assert_eq!(scene.count("audit_entry").await, acts + 1);
        scene.muster.audit().await;
    }
}
