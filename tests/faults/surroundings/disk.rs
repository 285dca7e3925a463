//! F12 and F13: the disk under the embedded database is full, read-only, slow, or lies.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::program::{
    PHONES, Server, answer, errors, evacuation, get, links, must, prepare, wait_until_sent,
};
use crate::muster::{Muster, Store};

/// A small disk of its own for the data folder. Needs root, as scripts/test has it in CI.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn under(muster: &Muster, megabytes: u32) -> Self {
        let data = muster.folder().join("data");
        let was = muster.folder().join("data-before");
        std::fs::rename(&data, &was).unwrap();
        std::fs::create_dir(&data).unwrap();
        let size = format!("size={megabytes}m,mode=700");
        let path = data.to_str().unwrap();
        must("mount", &["-t", "tmpfs", "-o", &size, "muster-test", path]);
        let disk = Self(data);
        for file in std::fs::read_dir(&was).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), disk.0.join(file.file_name())).unwrap();
        }
        disk
    }

    /// Fills it to the last byte; the file is what to delete.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("a-video-of-the-last-drill");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            let some = vec![7; size];
            while file.write_all(&some).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is just ending may still have a file open.
        // A failing test has its own words.
        let told = Command::new("umount").arg("-l").arg(&self.0).status();
        if !told.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.display());
        }
    }
}

#[tokio::test]
async fn f12_a_full_disk_refuses_a_launch_in_words_and_still_keeps_every_answer() {
    const PEOPLE: usize = 60;
    let config = format!("[operations]\nreserve_megabytes = 4\n{PHONES}");
    let muster = Muster::install(Store::Sqlite, &config).await;
    let disk = SmallDisk::under(&muster, 24);
    let reserve = muster.folder().join("data/muster.db.reserve");
    let server = Server::start(&muster, "", &[]).await;
    assert_eq!(std::fs::metadata(&reserve).unwrap().len(), 4 << 20);
    prepare(&muster, PEOPLE).await;
    let (_, alert) = muster.post("/api/v1/alerts", &evacuation()).await;
    let alert = alert["id"].as_str().unwrap();
    wait_until_sent(&muster, alert, PEOPLE as u64).await;
    let links = links(&muster).await;
    assert_eq!(links.len(), PEOPLE);

    let video = disk.fill();
    let (status, said) = muster.post("/api/v1/alerts", &evacuation()).await;
    assert_eq!(status, 507, "{said}");
    assert!(
        said["detail"].as_str().unwrap().contains("disk is full"),
        "{said}"
    );
    server.figure("muster_disk_low", |low| low > 0.0).await;
    assert_eq!(get(&format!("{}/readyz", server.url)).await.0, 200);
    // The first answers may find room in files that are there; the reserve is for the rest.
    for link in &links {
        answer(link, "safe").await.unwrap();
        answer(link, "help").await.unwrap();
    }
    assert!(!reserve.exists(), "{}", muster.log());
    let shown = muster.get(&format!("/api/v1/alerts/{alert}")).await;
    assert_eq!(
        shown["counts"]["acknowledged"], PEOPLE,
        "recorded is on disk: {shown}"
    );
    let (status, _) = muster.post("/api/v1/alerts", &evacuation()).await;
    assert_eq!(status, 507);

    std::fs::remove_file(video).unwrap();
    server.figure("muster_disk_low", |low| low == 0.0).await;
    assert!(reserve.exists(), "it is set aside anew");
    let (status, second) = muster.post("/api/v1/alerts", &evacuation()).await;
    assert_eq!(status, 202, "{second}");
    wait_until_sent(&muster, second["id"].as_str().unwrap(), PEOPLE as u64).await;
    muster.audit().await;
    server.stop().await;
    muster.audit().await;
}

/// What makes the disk of one server fail.
struct Faulty {
    library: PathBuf,
    orders: PathBuf,
}

impl Faulty {
    fn new(muster: &Muster) -> Self {
        let library = muster.folder().join("faulty_disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/faulty_disk.c");
        must(
            "cc",
            &[
                "-shared",
                "-fPIC",
                "-O1",
                "-o",
                library.to_str().unwrap(),
                source,
                "-ldl",
            ],
        );
        let orders = muster.folder().join("faults");
        std::fs::write(&orders, "none").unwrap();
        Self { library, orders }
    }

    fn order(&self, fault: &str) {
        std::fs::write(&self.orders, fault).unwrap();
    }

    fn variables(&self) -> [(&str, &str); 2] {
        [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("FAULTY_DISK", self.orders.to_str().unwrap()),
        ]
    }
}

/// The disk fails while alerts are launched: whatever was answered is there after the restart, and
/// what was not saved was not called so.
async fn stops_and_starts_again(fault: &str) {
    let muster = Muster::install(Store::Sqlite, PHONES).await;
    let faulty = Faulty::new(&muster);
    let mut server = Server::start(&muster, "", &faulty.variables()).await;
    prepare(&muster, 30).await;
    let (status, first) = muster.post("/api/v1/alerts", &evacuation()).await;
    assert_eq!(status, 202);
    wait_until_sent(&muster, first["id"].as_str().unwrap(), 30).await;

    let links = links(&muster).await;
    faulty.order(fault);
    let recorded = answer(&links[0], "safe").await;
    assert!(recorded.is_err(), "nothing is recorded that is not on disk");
    let ended = server.ended().await;
    assert_eq!(ended.code(), Some(1), "a supervisor must start it again");
    let log = muster.log();
    assert!(log.contains("the disk under the database failed"), "{log}");
    assert_eq!(log.matches("nothing more is written").count(), 1, "{log}");

    faulty.order("none");
    let server = Server::start(&muster, "", &faulty.variables()).await;
    let shown = muster
        .get(&format!("/api/v1/alerts/{}", first["id"].as_str().unwrap()))
        .await;
    assert_eq!(shown["counts"]["recipients"], 30);
    let (status, second) = muster.post("/api/v1/alerts", &evacuation()).await;
    assert_eq!(status, 202);
    wait_until_sent(&muster, second["id"].as_str().unwrap(), 30).await;
    server.stop().await;
    muster.audit().await;
}

#[tokio::test]
async fn f13_a_failed_fsync_is_never_asked_again_the_server_ends_and_the_next_start_is_whole() {
    stops_and_starts_again("sync-error").await;
}

#[tokio::test]
async fn f13_a_disk_that_has_become_read_only_ends_the_server_with_a_sentence() {
    stops_and_starts_again("read-only").await;
}

#[tokio::test]
async fn f13_a_slow_fsync_makes_a_launch_wait_and_not_fail() {
    let muster = Muster::install(Store::Sqlite, PHONES).await;
    let faulty = Faulty::new(&muster);
    let server = Server::start(&muster, "", &faulty.variables()).await;
    prepare(&muster, 30).await;
    faulty.order("sync-slow");
    let begun = Instant::now();
    let request = evacuation();
    let launches = (0..5).map(|_| muster.post("/api/v1/alerts", &request));
    let answers = futures::future::join_all(launches).await;
    let took = begun.elapsed();
    assert!(
        took > Duration::from_millis(400),
        "the disk is slow: {took:?}"
    );
    assert!(
        took < Duration::from_secs(8),
        "five wait for the disk together: {took:?}"
    );
    for (status, alert) in answers {
        assert_eq!(status, 202, "{alert}");
        wait_until_sent(&muster, alert["id"].as_str().unwrap(), 30).await;
    }
    assert_eq!(errors(&muster.log()), Vec::<&str>::new());
    server.stop().await;
    muster.audit().await;
}
