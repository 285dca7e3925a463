//! Muster under measurement: a clinic on one database, with its gateways, and one alert to everyone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use muster::alert::words::{Language, Mode};
use muster::alert::{self, LaunchRequest};
use muster::app::App;
use muster::audit::Actor;
use muster::clock::Clock;
use muster::config::{Config, Organisation};
use muster::directory::{apply, import, table};
use muster::dispatch;
use muster::dispatch::health::Health;
use muster::ids::{AlertNumber, DeliveryId};
use muster::operate::service;
use muster::storage::alerts::{self, StepState};
use muster::storage::deliveries::DeliveryState;
use muster::storage::{Access, standing};
use muster::template_approval;
use sqlx::Connection as _;

use crate::options::Task;
use crate::sink::{self, micros};
use crate::{Measured, machine, mail_sink};
use crate::{answers, moments};

const GATEWAY: &str = "sink";
const MAIL: &str = "mail";
/// A life-safety message whose first step sends at once.
const TEMPLATE: &str = "evacuation";
/// People in one file of an import.
const A_FILE: usize = 100_000;
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

/// One person's mailbox.
pub(crate) fn mailbox(number: u32) -> String {
    format!("p{number:07}@staff.clinic.example")
}

/// The gateways, as a configuration file would have them.
pub(crate) fn gateways(task: &Task) -> anyhow::Result<Vec<toml::Table>> {
    let mut tables = Vec::new();
    if task.has_sms() {
        tables.push(sms_gateway(task)?);
    }
    if task.has_email() {
        tables.push(mail_gateway(task)?);
    }
    Ok(tables)
}

/// The mail server.
pub(crate) fn mail_gateway(task: &Task) -> anyhow::Result<toml::Table> {
    let text = format!(
        "name = \"{MAIL}\"\nchannel = \"email\"\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\n\
         tls = \"none\"\nfrom = \"alerts@clinic.example\"\nslots = {}",
        task.mail_port,
        task.mail_slots()
    );
    text.parse().context("the mail server's table")
}

/// The gateway for text messages.
pub(crate) fn sms_gateway(task: &Task) -> anyhow::Result<toml::Table> {
    let text = format!(
        "name = \"{GATEWAY}\"\nchannel = \"sms\"\nkind = \"http\"\nurl = \"{}\"\n\
         message_id = \"/id\"\nslots = {}",
        sink_url(task.port),
        task.slots
    );
    let mut table: toml::Table = text.parse().context("the gateway's table")?;
    if let Some(rate) = task.rate {
        table.insert("rate_per_second".to_owned(), rate.into());
    }
    Ok(table)
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
        gateways: gateways(task)?,
        ..Config::default()
    };
    Ok(App::open(config, Clock::system(), access).await?)
}

/// Fills the directory by the import that people use, and approves the message. Not timed.
pub(crate) async fn prepare(task: &Task) -> anyhow::Result<()> {
    let app = open(task, Access::Migrate).await?;
    for first in (0..task.recipients).step_by(A_FILE) {
        let last = task.recipients.min(first + u32::try_from(A_FILE)?);
        import_people(&app, first..last).await?;
    }
    for template in [TEMPLATE, moments::ROUTINE] {
        template_approval::approve(&app, template, None, &Actor::system()).await?;
    }
    app.stop().await;
    if task.database.starts_with("postgres") {
        // What its own housekeeping does within a minute of such an import.
        let mut connection = sqlx::PgConnection::connect(&task.database).await?;
        sqlx::query("ANALYZE").execute(&mut connection).await?;
        connection.close().await?;
    }
    Ok(())
}

async fn import_people(app: &App, numbers: Range<u32>) -> anyhow::Result<()> {
    let count = numbers.len();
    let mut file = "name,mobile,email,category,groups\n".to_owned();
    for number in numbers {
        let (mobile, email) = (mobile(number), mailbox(number));
        let ward = if number < moments::WARD_SIZE {
            moments::WARD
        } else {
            ""
        };
        writeln!(
            file,
            "Person {number:06},{mobile},{email},staff,everyone;{ward}"
        )?;
    }
    let table = table::read(file.as_bytes())?;
    let parsed = import::parse(&table, "CH", &Language("en".to_owned()))?;
    let (now, actor) = (app.clock.now(), Actor::system());
    let done = apply::apply_import(
        &app.db,
        &app.keys,
        parsed,
        apply::Absent::Stay,
        "0",
        now,
        &actor,
    )
    .await?;
    anyhow::ensure!(
        done.new == count,
        "only {} of {count} people are in the directory",
        done.new
    );
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
    let alert = launched.alert.number;
    let planned = plan_written(&app, alert, begun).await?;
    let recorded = wait(&app, alert, task).await?;
    let wall_us = micros(begun.elapsed());
    let cpu_us = machine::own_cpu_us() - cpu;
    let server_cpu_us = task
        .server
        .map(machine::children_cpu_us)
        .zip(server_cpu)
        .map(|(now, then)| now - then);
    let peak_kib = machine::peak_kib();
    let (arrived, first) = arrivals(task, begun).await?;
    app.stop().await;
    anyhow::ensure!(
        arrived == recorded,
        "{arrived} arrived, {recorded} are recorded"
    );
    Ok(Measured {
        messages: recorded,
        wall_us,
        cpu_us,
        server_cpu_us,
        peak_kib,
        launch_us: Some(micros(durable)),
        planned_us: Some(micros(planned.saturating_sub(durable))),
        first_us: first.map(|first| first.saturating_sub(micros(durable))),
    })
}

/// Is one more server until it is killed.
pub(crate) async fn serve(task: &Task) -> anyhow::Result<()> {
    let app = open(task, Access::AsItIs).await?;
    dispatch::start(&app).await?;
    println!("ready");
    std::future::pending().await
}

/// Sends an alert, writes down its answer links, and then takes answers until it is killed. Sends a
/// second alert when it is told to.
pub(crate) async fn answer(task: &Task) -> anyhow::Result<()> {
    let app = open(task, Access::AsItIs).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    service::start(&app, listener).await?;
    let alert = alert::launch(&app, request()).await?.alert.number;
    wait(&app, alert, task).await?;
    let mut tokens = String::new();
    for number in 1..=i64::from(task.recipients) {
        let delivery = DeliveryId(alert.base() + number);
        writeln!(tokens, "{}", app.keys.answer_token(delivery))?;
    }
    std::fs::write(task.data.join(answers::TOKENS), tokens)?;
    println!("{port}");
    while !task.data.join(answers::GO).exists() {
        tokio::time::sleep(10 * LOOK).await;
    }
    alert::launch(&app, request()).await?;
    std::future::pending().await
}

/// Measures how soon first messages leave, and goes on sending until it is killed.
pub(crate) async fn moments(task: &Task) -> anyhow::Result<()> {
    let app = open(task, Access::AsItIs).await?;
    dispatch::start(&app).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    moments::measure(task, &app).await
}

/// An alert that is as urgent as can be, to everyone.
pub(crate) fn request() -> LaunchRequest {
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

/// How many messages came, and when after `begun` the first text message did.
async fn arrivals(task: &Task, begun: Instant) -> anyhow::Result<(u64, Option<u64>)> {
    let (mut arrived, mut first) = (0, None);
    if task.has_sms() {
        let seen = sink::ask(task.port).await?;
        first = Some(micros(begun.elapsed()).saturating_sub(seen.first_us_ago));
        arrived += seen.messages;
    }
    if task.has_email() {
        arrived += mail_sink::ask(task.mail_port).await?;
    }
    Ok((arrived, first))
}

/// When every delivery of the alert was on disk. Asks rarely: what asks takes time from what works.
pub(crate) async fn plan_written(
    app: &App,
    alert: AlertNumber,
    begun: Instant,
) -> anyhow::Result<Duration> {
    loop {
        let steps = alerts::list_steps(&app.db, alert).await?;
        if steps.iter().all(|step| step.state == StepState::Written) {
            return Ok(begun.elapsed());
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "the plan was not written");
        tokio::time::sleep(10 * LOOK).await;
    }
}

/// Waits until every acceptance is in the database. Looks at counters in memory as long as they
/// tell that messages are missing, so that the waiting itself costs next to nothing.
async fn wait(app: &App, alert: AlertNumber, task: &Task) -> anyhow::Result<u64> {
    let begun = Instant::now();
    while task.others > 0 && sink::ask(task.port).await?.messages < task.messages() {
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "the gateway did not get everything"
        );
        tokio::time::sleep(LOOK).await;
    }
    loop {
        let facts: Vec<_> = app.health.values().map(Health::facts).collect();
        let taken: u64 = facts.iter().map(|facts| facts.accepted).sum();
        if taken >= task.messages() || task.others > 0 {
            let recorded = accepted(app, alert).await?;
            if recorded == task.messages() {
                return Ok(recorded);
            }
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "only {taken} messages were accepted: {facts:?}"
        );
        tokio::time::sleep(LOOK).await;
    }
}

async fn accepted(app: &App, alert: AlertNumber) -> anyhow::Result<u64> {
    let counts = standing::count_deliveries(&app.db, alert).await?;
    let accepted = counts
        .into_iter()
        .filter(|(_, state, _)| *state == DeliveryState::Accepted)
        .map(|(_, _, count)| count);
    Ok(u64::try_from(accepted.sum::<i64>())?)
}
