//! F11: someone sets a clock, by an hour or a day, forward or back.

use std::time::Duration;

use muster::alert::words::AlertState;
use muster::operate::problems;
use serde_json::json;

use super::program::{PHONES, Server, evacuation, get, prepare, wait_until_sent};
use crate::environment::variable;
use crate::house::{Order, request};
use crate::muster::{Muster, Store};
use crate::on_both;

const HOUR: i64 = 3_600_000;

on_both! {
    async fn f11_a_clock_set_forward_ends_no_alert_and_begins_no_step(house: House) {
        house.crowd(3).await;
        let mut closure = request("closure", &[("reason", "burst pipe")]);
        closure.plan = None;
        let alert = house.launch(closure).await;
        house.settle().await;
        let taken = house.sms.taken().len();
        for jump in [HOUR, 24 * HOUR] {
            house.app.clock.jump(jump);
            house.settle().await;
            assert_eq!(house.alert(alert.number).await.state, AlertState::Running);
            assert_eq!(house.sms.taken().len(), taken, "no step begins by a jump");
            house.app.clock.jump(-jump);
        }
        assert_eq!(problems(&house.app), Vec::<String>::new());
        // In its own time the plan goes on.
        house.app.clock.jump(HOUR);
        house.pass(3600).await;
        assert!(house.sms.taken().len() > taken, "the reminder goes out");
    }

    async fn f11_a_clock_set_back_keeps_no_message_waiting(house: House) {
        use muster::channel::Failure;
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 0);
        house.app.clock.jump(-HOUR);
        house.pass(60).await;
        assert_eq!(house.sms.taken().len(), 1, "the second try is a minute later, not an hour");
        let second = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 2);
        assert!(second.launched_at > crate::house::START, "time does not go back");
    }

    async fn f11_a_jump_is_told_until_a_person_says_that_the_time_is_right(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.app.clock.jump(24 * HOUR);
        house.settle().await;
        let told = problems(&house.app);
        assert!(told[0].contains("clock"), "{told:?}");
        assert_eq!(house.alert(alert.number).await.state, AlertState::Running);
        house.app.clock.settle();
        house.settle().await;
        assert_eq!(problems(&house.app), Vec::<String>::new());
        assert_eq!(house.alert(alert.number).await.state, AlertState::Ended);
    }
}

/// A clock that the test sets while the server runs.
struct Shifted {
    file: std::path::PathBuf,
    library: String,
}

impl Shifted {
    fn new(muster: &Muster, name: &str, by: &str) -> Self {
        let shifted = Self {
            file: muster.folder().join(name),
            library: variable("MUSTER_TEST_FAKETIME"),
        };
        shifted.set(by);
        shifted
    }

    fn set(&self, by: &str) {
        std::fs::write(&self.file, format!("{by}\n")).unwrap();
    }

    fn variables(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

const OFFSET: &str = "muster_clock_offset_seconds";

async fn the_real_server_goes_on_by_its_own_time(store: Store) {
    let muster = Muster::install(store, PHONES).await;
    let clock = Shifted::new(&muster, "clock", "+0");
    let server = Server::start(&muster, "", &clock.variables()).await;
    prepare(&muster, 20).await;
    let (_, first) = muster.post("/api/v1/alerts", &evacuation()).await;
    let first = first["id"].as_str().unwrap();
    wait_until_sent(&muster, first, 20).await;
    for (by, off) in [("+1d", 86_400.0), ("-1h", -3_600.0)] {
        clock.set(by);
        let told = server.figure(OFFSET, |figure| figure != 0.0).await;
        assert!((told - off).abs() < 5.0, "{by}: {told}");
        // A whole turn of everything, by the jumped clock: nothing ends, and what is new goes out.
        assert_eq!(get(&format!("{}/healthz/engine", server.url)).await.0, 200);
        assert_eq!(
            muster.get(&format!("/api/v1/alerts/{first}")).await["state"],
            "running"
        );
        let (status, second) = muster.post("/api/v1/alerts", &evacuation()).await;
        assert_eq!(status, 202, "{second}");
        wait_until_sent(&muster, second["id"].as_str().unwrap(), 20).await;
        clock.set("+0");
        server.figure(OFFSET, |figure| figure == 0.0).await;
    }
    assert!(muster.log().contains("clock has jumped") || muster.log().contains("apart"));
    muster.audit().await;
}

#[tokio::test]
async fn f11_the_real_server_goes_on_by_its_own_time_on_sqlite() {
    the_real_server_goes_on_by_its_own_time(Store::Sqlite).await;
}

#[tokio::test]
async fn f11_the_real_server_goes_on_by_its_own_time_on_postgres() {
    the_real_server_goes_on_by_its_own_time(Store::Postgres).await;
}

#[tokio::test]
async fn f11_a_server_whose_clock_is_ninety_seconds_ahead_ends_nothing_that_the_other_began() {
    let mut muster = Muster::install(Store::Postgres, PHONES).await;
    muster.serve().await;
    prepare(&muster, 5).await;
    let clock = Shifted::new(&muster, "clock", "+90");
    let listen = format!("127.0.0.1:{}", crate::support::ports::free_port());
    let mut variables = clock.variables().to_vec();
    variables.push(("MUSTER_LISTEN", &listen));
    let ahead = Server::start(&muster, "", &variables).await;
    let told = ahead.figure(OFFSET, |figure| figure != 0.0).await;
    assert!((told - 90.0).abs() < 5.0, "{told}");

    let mut short = evacuation();
    short["expires_in"] = json!(45);
    let (status, alert) = muster.post("/api/v1/alerts", &short).await;
    assert_eq!(status, 202, "{alert}");
    let alert = alert["id"].as_str().unwrap();
    wait_until_sent(&muster, alert, 5).await;
    // Two whole turns of the server that is ahead: by its own clock the alert was over long ago.
    for _ in 0..2 {
        assert_eq!(get(&format!("{}/healthz/engine", ahead.url)).await.0, 200);
    }
    assert_eq!(
        muster.get(&format!("/api/v1/alerts/{alert}")).await["state"],
        "running"
    );
    tokio::time::timeout(Duration::from_mins(1), ahead.stop())
        .await
        .unwrap();
}
