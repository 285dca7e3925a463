//! Probes and figures for watchers.

use reqwest::{Method, StatusCode};

use crate::on_both;
use crate::served::Served;

async fn probe(served: &Served, path: &str) -> crate::served::Answer {
    served.send(served.request(Method::GET, path)).await
}

on_both! {
    async fn a_service_that_sends_is_alive_ready_and_turning(served: Served) {
        assert_eq!(probe(&served, "/livez").await.status, StatusCode::OK);
        assert_eq!(probe(&served, "/readyz").await.status, StatusCode::OK);
        // Nothing turns yet.
        assert_eq!(probe(&served, "/healthz/engine").await.status, StatusCode::SERVICE_UNAVAILABLE);
        served.start_sending().await;
        assert_eq!(probe(&served, "/healthz/engine").await.status, StatusCode::OK);
    }

    async fn the_figures_hold_no_personal_data(served: Served) {
        served.start_sending().await;
        served.launched().await;
        served.received(3).await;
        let figures = probe(&served, "/metrics").await;
        assert!(figures.header("content-type").starts_with("text/plain; version=0.0.4"));
        for line in ["muster_gateway_down{gateway=\"phones\"} 0", "muster_alerts_running{mode=\"live\"} 1"] {
            assert!(figures.text.contains(line), "{}", figures.text);
        }
        assert!(!figures.text.contains("Ana") && !figures.text.contains("+41"));
    }

    async fn every_answer_protects_itself(served: Served) {
        for path in ["/livez", "/api/v1/alerts", "/assets/app.css"] {
            let answer = probe(&served, path).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            assert!(answer.header("content-security-policy").contains("default-src"), "{path}");
        }
        assert_eq!(probe(&served, "/api/v1/alerts").await.header("cache-control"), "no-store");
    }
}
