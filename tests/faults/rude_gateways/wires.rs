//! F3 and F4: gateways that cannot be reached or trusted, and connections that hang, drip and break.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::{http, texts, with_sms, words};
use crate::on_both;
use crate::support::chaos_proxy::{ChaosProxy, Direction, Toxic};
use crate::support::rude_gateway::{self, Act, RudeGateway};

/// The longest that an exchange may last: the limit of half a second, and the machine's slowness.
const LONGEST: Duration = Duration::from_secs(5);

const CERTIFICATES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/support/rude_certificates"
);

fn acceptor(certificate: &str) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(format!("{CERTIFICATES}/{certificate}.pem"));
    let key = PrivateKeyDer::from_pem_file(format!("{CERTIFICATES}/server.key"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap()], key.unwrap())
        .unwrap();
    Arc::new(config).into()
}

/// An address of which nothing comes: `what` says why.
async fn unreachable(what: &str) -> (String, Option<RudeGateway>) {
    let table = |url: &str, more: &str| {
        format!(
            "name = \"sms\"\nchannel = \"sms\"\nkind = \"http\"\nexercises = true\n\
             message_id = \"/id\"\nurl = \"{url}\"\n{more}"
        )
    };
    let ours = format!("tls_ca_file = \"{CERTIFICATES}/authority.pem\"");
    let (certificate, more) = match what {
        "closed" => return (table("http://127.0.0.1:1/", ""), None),
        "unknown name" => return (table("http://gateway.invalid/", ""), None),
        "expired" => ("expired", ours.as_str()),
        "other host" => ("other-host", ours.as_str()),
        // Vouched for by an authority that nobody configured.
        _ => ("good", ""),
    };
    let rude = RudeGateway::start_tls(rude_gateway::json, acceptor(certificate)).await;
    let url = format!("https://127.0.0.1:{}/", rude.port());
    (table(&url, more), Some(rude))
}

on_both! {
    async fn f03_where_no_byte_leaves_another_gateway_takes_over_within_30_seconds(house: House) {
        house.crowd(8).await;
        for what in ["closed", "unknown name", "expired", "other host", "self-signed"] {
            let (table, rude) = unreachable(what).await;
            let spare = RudeGateway::start(rude_gateway::json).await;
            let house = with_sms(&house, &[table, http("spare", spare.port(), 20, "")]);
            let alert = house.launch(house.evacuation()).await;
            house.settle().await;
            house.pass(3).await;
            assert!(house.app.health["sms"].is_down(), "{what}");
            for _ in 0..4 {
                house.pass(6).await;
            }
            // Certain failures: no mark, nobody twice.
            assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 8)], "{what}");
            assert_eq!(spare.taken().len(), 8, "{what}");
            assert_eq!(rude.map_or(0, |rude| rude.requests().len()), 0, "{what}: not a byte of a message");
        }
    }

    async fn f03_a_certificate_that_is_right_is_believed(house: House) {
        house.crowd(1).await;
        let rude = RudeGateway::start_tls(rude_gateway::json, acceptor("good")).await;
        let table = format!(
            "name = \"sms\"\nchannel = \"sms\"\nkind = \"http\"\nexercises = true\nmessage_id = \"/id\"\n\
             url = \"https://127.0.0.1:{}/\"\ntls_ca_file = \"{CERTIFICATES}/authority.pem\"", rude.port()
        );
        let house = with_sms(&house, &[table]);
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(rude.taken().len(), 1);
    }

    async fn f04_hangs_drips_and_breaks_end_in_time_and_leave_the_message_in_doubt(house: House) {
        house.crowd(4).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        rude.next([
            Act::TakeAndHang,
            Act::TakeAndDrip(Duration::from_millis(100)),
            Act::TakeAndSayHalf,
            Act::TakeAndReset,
        ]);
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "")]);
        let alert = house.launch(house.evacuation()).await;
        let begun = Instant::now();
        house.settle().await;
        assert!(begun.elapsed() < LONGEST);
        assert_eq!(words(&house, &alert).await, [("in_doubt".to_owned(), 4)]);
        house.pass(11).await;
        assert_eq!(words(&house, &alert).await, [("accepted, perhaps twice".to_owned(), 4)]);
        assert_eq!(rude.taken().len(), 8, "one copy for each unknown outcome");
    }

    async fn f04_whatever_the_network_does_to_a_connection_copies_are_bounded_and_marked(house: House) {
        use Direction::{Downstream, Upstream};
        house.crowd(3).await;
        let toxics = [
            (Downstream, Toxic::Latency(Duration::from_mins(1))),
            (Downstream, Toxic::Bandwidth(10)),
            (Downstream, Toxic::Timeout(Duration::ZERO)),
            (Downstream, Toxic::Timeout(Duration::from_millis(50))),
            (Downstream, Toxic::ResetPeer(Duration::from_millis(100))),
            (Downstream, Toxic::Slicer(1, Duration::from_millis(50))),
            (Downstream, Toxic::LimitData(20)),
            (Upstream, Toxic::LimitData(40)),
            (Upstream, Toxic::Timeout(Duration::from_millis(50))),
        ];
        for (direction, toxic) in toxics {
            let rude = RudeGateway::start(rude_gateway::json).await;
            let proxy = ChaosProxy::start(rude.port()).await;
            proxy.add(direction, toxic);
            if matches!(toxic, Toxic::ResetPeer(_)) {
                proxy.add(Downstream, Toxic::Latency(Duration::from_mins(1)));
            }
            let house = with_sms(&house, &[http("sms", proxy.port(), 10, "")]);
            let alert = house.launch(house.evacuation()).await;
            let begun = Instant::now();
            house.settle().await;
            assert!(begun.elapsed() < LONGEST, "{toxic:?}");
            assert_eq!(words(&house, &alert).await, [("in_doubt".to_owned(), 3)], "{toxic:?}");
            proxy.clear();
            house.pass(11).await;
            assert_eq!(words(&house, &alert).await, [("accepted, perhaps twice".to_owned(), 3)], "{toxic:?}");
            let attempts: i64 = texts(&house, &alert).await.iter().map(|one| i64::from(one.attempts)).sum();
            assert_eq!(attempts, 6, "{toxic:?}");
            assert!(rude.taken().len() <= 6, "{toxic:?}");
        }
    }

    async fn f04_an_answer_that_is_only_slow_is_an_answer(house: House) {
        house.crowd(3).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        let proxy = ChaosProxy::start(rude.port()).await;
        proxy.add(Direction::Downstream, Toxic::Slicer(40, Duration::from_millis(5)));
        proxy.add(Direction::Downstream, Toxic::SlowClose(Duration::from_millis(200)));
        proxy.add(Direction::Upstream, Toxic::Latency(Duration::from_millis(50)));
        let house = with_sms(&house, &[http("sms", proxy.port(), 10, "")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 3)]);
        assert_eq!(rude.taken().len(), 3);
    }
}
