//! The service looks at itself each minute, tells a monitoring outside only if all is well, and says
//! which promise is broken if one is.

use std::time::Duration;

use muster::operate::{problems, self_watch};
use muster::storage::Error;
use muster::{dispatch, escalation};
use reqwest::{Method, StatusCode};

use crate::on_both;
use crate::served::Served;

/// Runs a statement that no part of the program would run.
async fn tamper(served: &Served, sql: &'static str) {
    let done: Result<u64, Error> = served
        .app
        .db
        .write("test.tamper", move |tx| {
            Box::pin(async move { tx.sql(sql).execute().await })
        })
        .await;
    assert!(done.unwrap() > 0);
}

/// How often the monitoring was told until now.
fn heartbeats(served: &Served) -> usize {
    served.monitoring.untaken()
}

/// Waits until everything that was under way is written down.
async fn a_cycle(served: &Served) {
    served
        .app
        .pulse
        .next(Duration::from_secs(30))
        .await
        .unwrap();
}

async fn figure(served: &Served, line: &str) -> bool {
    let answer = served.send(served.request(Method::GET, "/metrics")).await;
    answer.text.lines().any(|one| one == line)
}

on_both! {
    async fn the_heartbeat_is_sent_only_while_every_promise_is_kept(served: Served) {
        served.start_sending().await;
        served.launched().await;
        served.received(3).await;
        a_cycle(&served).await;
        self_watch::turn(&served.app).await;
        assert_eq!(heartbeats(&served), 1);
        assert_eq!(problems(&served.app), Vec::<String>::new());
        assert!(figure(&served, "muster_check_passed 1").await);

        // Someone's message left without a word in the database before.
        tamper(&served, "UPDATE delivery SET attempts = 0 WHERE state IN ('accepted', 'sent', 'delivered')").await;
        self_watch::turn(&served.app).await;
        assert_eq!(heartbeats(&served), 1, "silence is the alarm");
        let told = problems(&served.app);
        assert!(told.iter().any(|one| one.contains("intent-before-sending")), "{told:?}");
        assert!(figure(&served, "muster_check_passed 0").await);

        tamper(&served, "UPDATE delivery SET attempts = 1 WHERE state IN ('accepted', 'sent', 'delivered')").await;
        self_watch::turn(&served.app).await;
        assert_eq!(heartbeats(&served), 2);
        assert_eq!(problems(&served.app), Vec::<String>::new());
    }

    async fn an_engine_with_a_lane_that_hangs_is_told_as_such_and_sends_no_heartbeat(served: Served) {
        let boot = dispatch::recovery::begin(&served.app).await.unwrap();
        served.app.tasks.spawn(escalation::run(served.app.clone()));
        served.app.tasks.spawn(dispatch::recovery::run(served.app.clone(), boot));
        let probe = served.send(served.request(Method::GET, "/healthz/engine")).await;
        assert_eq!(probe.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(probe.text.contains("the lane of the gateway phones"), "{}", probe.text);
        assert!(!probe.text.contains("plans"), "{}", probe.text);

        self_watch::turn(&served.app).await;
        assert_eq!(heartbeats(&served), 0);
        assert!(problems(&served.app)[0].starts_with("Sending is stuck"), "{:?}", problems(&served.app));
    }

    async fn a_service_that_no_longer_looks_at_itself_says_so(served: Served) {
        served.start_sending().await;
        self_watch::turn(&served.app).await;
        served.app.clock.advance(Duration::from_secs(89));
        assert_eq!(problems(&served.app), Vec::<String>::new());
        served.app.clock.advance(Duration::from_secs(2));
        let told = problems(&served.app);
        assert!(told[0].starts_with("Muster has not been able to check itself"), "{told:?}");
    }

    async fn what_is_over_for_long_costs_the_look_nothing_and_is_still_found_by_the_command(served: Served) {
        served.start_sending().await;
        let alert = served.launched().await;
        served.received(3).await;
        a_cycle(&served).await;
        served.post(&format!("/api/v1/alerts/{alert}/stop"), &serde_json::json!({})).await;
        served.app.clock.advance(Duration::from_mins(20));
        tamper(&served, "UPDATE delivery SET attempts = 0 WHERE state IN ('accepted', 'sent', 'delivered')").await;
        self_watch::turn(&served.app).await;
        let look = served.app.watch.last().unwrap();
        assert_eq!(look.problems, Vec::<String>::new());
        let rows: i64 = look.checked.iter().map(|one| one.rows).sum();
        assert_eq!(rows, 0, "{:?}", look.checked);
        let all = muster::audit::check::run(&served.app.db, served.app.clock.now()).await.unwrap();
        assert!(muster::audit::check::broken(&all).contains("intent-before-sending"), "{all:?}");
    }
}
