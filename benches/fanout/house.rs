//! Muster under measurement: a clinic on one database, with one gateway, and one alert to everyone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use muster::alert::words::{Language, Mode};
use muster::alert::{self, LaunchRequest};
use muster::app::App;
use muster::audit::Actor;
use muster::channel::Channel;
use muster::clock::Clock;
use muster::config::{Config, Organisation};
use muster::directory::{apply, csv_file, import};
use muster::dispatch;
use muster::ids::AlertNumber;
use muster::storage::deliveries::DeliveryState;
use muster::storage::{Access, standing};
use muster::template_approval;
use sqlx::Connection as _;

use crate::options::Task;
use crate::sink::{self, micros};
use crate::{Measured, machine};

const GATEWAY: &str = "sink";
/// A life-safety message whose first step sends at once.
const TEMPLATE: &str = "evacuation";
/// How often it is asked whether everything is done.
const LOOK: Duration = Duration::from_millis(1);
/// Longer than any run that is worth a figure.
const PATIENCE: Duration = Duration::from_mins(10);

/// Where the sink takes messages.
pub(crate) fn sink_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/messages")
}

/// One person's number; no two are the same.
pub(crate) fn mobile(number: u32) -> String {
    format!("+4179{number:07}")
}

/// The gateway, as a configuration file would have it.
pub(crate) fn gateway(task: &Task) -> anyhow::Result<toml::Table> {
    let text = format!(
        "name = \"{GATEWAY}\"\nchannel = \"sms\"\nkind = \"http\"\nurl = \"{}\"\n\
         message_id = \"/id\"\nslots = {}",
        sink_url(task.port),
        task.slots
    );
    text.parse().context("the gateway's table")
}

async fn open(task: &Task, access: Access) -> anyhow::Result<App> {
    let config = Config {
        public_url: Some("https://alert.clinic.example".to_owned()),
        data_dir: task.data.clone(),
        database: Some(task.database.clone()),
        organisation: Organisation {
            name: "Riverside Clinic".to_owned(),
            region: "CH".to_owned(),
            ..Organisation::default()
        },
        gateways: vec![gateway(task)?],
        ..Config::default()
    };
    Ok(App::open(config, Clock::system(), access).await?)
}

/// Fills the directory by the import that people use, and approves the message. Not timed.
pub(crate) async fn prepare(task: &Task) -> anyhow::Result<()> {
    let app = open(task, Access::Migrate).await?;
    let mut file = "name,mobile,category,groups\n".to_owned();
    for number in 0..task.recipients {
        writeln!(file, "Person {number:06},{},staff,everyone", mobile(number))?;
    }
    let table = csv_file::read(file.as_bytes())?;
    let parsed = import::parse(&table, "CH", &Language("en".to_owned()))?;
    let (now, actor) = (app.clock.now(), Actor::system());
    let done = apply::apply_import(&app.db, &app.keys, parsed, "0", now, &actor).await?;
    anyhow::ensure!(
        done.new == usize::try_from(task.recipients)?,
        "only {} people are in the directory",
        done.new
    );
    template_approval::approve(&app, TEMPLATE, None, &Actor::system()).await?;
    app.stop().await;
    if task.database.starts_with("postgres") {
        // What its own housekeeping does within a minute of such an import.
        let mut connection = sqlx::PgConnection::connect(&task.database).await?;
        sqlx::query("ANALYZE").execute(&mut connection).await?;
        connection.close().await?;
    }
    Ok(())
}

/// Launches the alert in a server that has just started, and waits until every acceptance is on disk.
pub(crate) async fn measure(task: &Task) -> anyhow::Result<Measured> {
    let app = open(task, Access::AsItIs).await?;
    dispatch::start(&app).await?;
    // A server that waits for work, not one that is still starting.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let server_cpu = task.server.map(machine::children_cpu_us);
    let cpu = machine::own_cpu_us();
    let begun = Instant::now();
    let launched = alert::launch(&app, request()).await?;
    let durable = begun.elapsed();
    let recorded = wait(&app, launched.alert.number, task.recipients).await?;
    let wall_us = micros(begun.elapsed());
    let cpu_us = machine::own_cpu_us() - cpu;
    let server_cpu_us = task
        .server
        .map(machine::children_cpu_us)
        .zip(server_cpu)
        .map(|(now, then)| now - then);
    let peak_kib = machine::peak_kib();
    let seen = sink::ask(task.port).await?;
    let first = micros(begun.elapsed()).saturating_sub(seen.first_us_ago);
    app.stop().await;
    anyhow::ensure!(
        seen.messages == recorded,
        "{} arrived, {recorded} are recorded",
        seen.messages
    );
    Ok(Measured {
        messages: recorded,
        wall_us,
        cpu_us,
        server_cpu_us,
        peak_kib,
        launch_us: Some(micros(durable)),
        first_us: Some(first.saturating_sub(micros(durable))),
    })
}

fn request() -> LaunchRequest {
    LaunchRequest {
        template: TEMPLATE.to_owned(),
        mode: Mode::Actual,
        groups: vec!["everyone".to_owned()],
        contacts: Vec::new(),
        variables: BTreeMap::from([("hazard".to_owned(), "fire".to_owned())]),
        plan: Some("all-at-once".to_owned()),
        expires_in: None,
        call_out: None,
        hold: Duration::ZERO,
        warn_of_similar: false,
        composed_at: None,
        actor: Actor::user("manager"),
        key: None,
    }
}

/// Waits until every acceptance is in the database. Looks at a counter in memory as long as that
/// one tells that messages are missing, so that the waiting itself costs next to nothing.
async fn wait(app: &App, alert: AlertNumber, recipients: u32) -> anyhow::Result<u64> {
    let begun = Instant::now();
    loop {
        let facts = app.health[GATEWAY].facts();
        if facts.accepted >= u64::from(recipients) {
            let recorded = accepted(app, alert).await?;
            if recorded == u64::from(recipients) {
                return Ok(recorded);
            }
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "only {} messages were accepted, {} failed",
            facts.accepted,
            facts.failed
        );
        tokio::time::sleep(LOOK).await;
    }
}

async fn accepted(app: &App, alert: AlertNumber) -> anyhow::Result<u64> {
    let counts = standing::count_deliveries(&app.db, alert).await?;
    let accepted = counts
        .into_iter()
        .filter(|(channel, state, _)| (*channel, *state) == (Channel::Sms, DeliveryState::Accepted))
        .map(|(_, _, count)| count);
    Ok(u64::try_from(accepted.sum::<i64>())?)
}
