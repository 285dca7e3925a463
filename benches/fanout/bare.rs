//! The limit: the same messages through the same client, with no database and no record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use muster::alert::words::{Language, Mode};
use muster::channel::kinds::{self, Opening};
use muster::channel::sandbox::Phones;
use muster::channel::{Address, Message};
use muster::clock::Clock;
use muster::ids::DeliveryId;
use tokio::task::JoinSet;

use crate::options::Task;
use crate::sink::{self, micros};
use crate::{Measured, house, machine};

/// The evacuation's SMS with one of its links, so that the bodies are as long as Muster's.
const TEXT: &str = "Riverside Clinic 02:00 PM: fire. EVACUATE THE BUILDING NOW. Stay out until told. \
                    https://alert.clinic.example/a/q3H8mZ4tVw2RkXb7NcYd1s Reply 1 safe, 2 need help";

/// The client alone, as the `http` gateway sets it up.
pub(crate) async fn client(task: &Task) -> anyhow::Result<Measured> {
    let slots = task.slots.get();
    let client = reqwest::Client::builder()
        .user_agent("muster/bench")
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(slots)
        .pool_idle_timeout(Duration::from_secs(4))
        .build()?;
    let url: reqwest::Url = house::sink_url(task.port).parse()?;
    loop_over(task, move |number| {
        let request = client
            .post(url.clone())
            .header("content-type", "application/json")
            .body(format!(
                r#"{{"to":"{}","text":"{TEXT}","reference":"{number}"}}"#,
                house::mobile(number)
            ));
        async move {
            let answer = request.send().await?.error_for_status()?;
            answer.bytes().await?;
            Ok(())
        }
    })
    .await
}

/// The `http` gateway's own adapter: the client, the filling-in of the request, and the reading of
/// the answer.
pub(crate) async fn adapter(task: &Task) -> anyhow::Result<Measured> {
    let clock = Clock::system();
    let opening = Opening {
        hurry: 1,
        public_url: "https://alert.clinic.example".to_owned(),
        organisation: "Riverside Clinic".to_owned(),
        instance: "bench".to_owned(),
        sandbox: Phones::new(clock.clone()),
        clock,
    };
    let gateway = kinds::open(&house::gateway(task)?, &opening)?.gateway;
    loop_over(task, move |number| {
        let gateway = Arc::clone(&gateway);
        let message = Message {
            delivery: DeliveryId(i64::from(number)),
            attempt: 1,
            mode: Mode::Actual,
            to: Address::new(house::mobile(number)),
            language: Language("en".to_owned()),
            subject: None,
            text: TEXT.to_owned(),
            html: None,
            link: "https://alert.clinic.example/a/q3H8mZ4tVw2RkXb7NcYd1s".to_owned(),
            status_url: format!("https://alert.clinic.example/callbacks/sink/status?ref={number}"),
        };
        async move {
            let taken = gateway.send(&message).await;
            taken.map_err(|failure| anyhow::anyhow!("{}", failure.reason))?;
            Ok(())
        }
    })
    .await
}

/// Sends every message, as many at once as there are slots.
async fn loop_over<S, F>(task: &Task, send: S) -> anyhow::Result<Measured>
where
    S: Fn(u32) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let next = Arc::new(AtomicU32::new(0));
    let recipients = task.recipients;
    let cpu = machine::own_cpu_us();
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..task.slots.get() {
        let (next, send) = (Arc::clone(&next), send.clone());
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= recipients {
                    return Ok(());
                }
                send(number).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        let worked: anyhow::Result<()> = ended.context("a sender was lost")?;
        worked?;
    }
    let (wall_us, cpu_us) = (micros(begun.elapsed()), machine::own_cpu_us() - cpu);
    let messages = sink::ask(task.port).await?.messages;
    Ok(Measured {
        messages,
        wall_us,
        cpu_us,
        peak_kib: machine::peak_kib(),
        ..Measured::default()
    })
}
