//! What gateways post to us: believed only after the gateway's own check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use sha1::Sha1;

use crate::on_both;
use crate::served::{Answer, Served};

/// Signs as the carrier does: the address, then the fields sorted by name.
fn signature(url: &str, fields: &[(&str, &str)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(b"the carrier's secret").unwrap();
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn carrier(served: &Served, path: &str, signed: bool, fields: &[(&str, &str)]) -> Answer {
    let url = format!("{}{path}", served.url);
    let signature = signature(&url, if signed { fields } else { &[] });
    let request = served
        .request(Method::POST, path)
        .header("X-Twilio-Signature", signature);
    served.send(request.form(fields)).await
}

const REPLY: &[(&str, &str)] = &[
    ("MessageSid", "SM1"),
    ("From", "+41791234567"),
    ("To", "+15005550006"),
    ("Body", "1"),
];
const RECEIPT: &[(&str, &str)] = &[("MessageSid", "SM1"), ("MessageStatus", "delivered")];

on_both! {
    async fn a_forged_callback_is_refused_with_403(served: Served) {
        let status = "/callbacks/carrier/status?ref=4294967297";
        assert_eq!(carrier(&served, status, false, RECEIPT).await.status, StatusCode::FORBIDDEN);
        let inbound = "/callbacks/carrier/inbound";
        assert_eq!(carrier(&served, inbound, false, REPLY).await.status, StatusCode::FORBIDDEN);
        let unsigned = served.request(Method::POST, inbound).form(REPLY);
        assert_eq!(served.send(unsigned).await.status, StatusCode::FORBIDDEN);
        for path in ["/callbacks/modem/inbound?from=%2B41791234567&text=1&id=1",
            "/callbacks/modem/inbound?token=guess&from=%2B41791234567&text=1&id=1",
            "/callbacks/modem/status?token=guess&id=1&type=1"] {
            let answer = served.send(served.request(Method::GET, path)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
    }

    async fn a_signed_reply_is_taken_in_and_answered_without_words(served: Served) {
        let answer = carrier(&served, "/callbacks/carrier/inbound", true, REPLY).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!((answer.header("content-type"), answer.text.as_str()), ("text/xml", "<Response/>"));
        let receipt = carrier(&served, "/callbacks/carrier/status?ref=4294967297", true, RECEIPT).await;
        assert_eq!((receipt.status, receipt.text.as_str()), (StatusCode::OK, "ok"));
    }

    async fn a_reply_with_the_modems_token_answers_an_alert(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        served.received(3).await;
        let path = "/callbacks/modem/inbound?token=modem-secret&from=%2B41791234567\
                    &to=13013&text=1&id=77";
        for _ in 0..2 {
            let answer = served.send(served.request(Method::GET, path)).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
        let alert = served.get(&format!("/api/v1/alerts/{id}")).await.json();
        assert_eq!(alert["counts"]["acknowledged"], 1);
        let path = format!("/api/v1/alerts/{id}/recipients?state=acknowledged");
        let people = served.get(&path).await.json();
        assert_eq!(people["items"][0]["responses"].as_array().unwrap().len(), 1);
        assert_eq!(people["items"][0]["responses"][0]["via"], "sms");
    }

    async fn gateways_without_callbacks_and_unknown_ones_have_none(served: Served) {
        for path in ["/callbacks/nobody/status", "/callbacks/phones/inbound", "/callbacks/carrier/other"] {
            let answer = served.send(served.request(Method::POST, path)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
        let huge = served.request(Method::POST, "/callbacks/carrier/inbound").body("x".repeat(70_000));
        assert_eq!(served.send(huge).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        let path = "/callbacks/modem/inbound?token=modem-secret";
        let answer = served.send(served.request(Method::GET, path)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    }
}
