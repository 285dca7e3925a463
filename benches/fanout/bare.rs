//! The limit: the same messages through the same clients, with no database and no record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lettre::message::{MultiPart, SinglePart};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use muster::alert::words::{Language, Mode};
use muster::channel::kinds::{self, Opening};
use muster::channel::sandbox::Phones;
use muster::channel::{Address, Message};
use muster::clock::Clock;
use muster::ids::DeliveryId;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::options::Task;
use crate::sink::{self, micros};
use crate::{Measured, house, machine, mail_sink};

/// The evacuation's SMS with one of its links, so that the bodies are as long as Muster's.
const TEXT: &str = "Riverside Clinic 02:00 PM: fire. EVACUATE THE BUILDING NOW. Stay out until told. \
                    https://alert.clinic.example/a/q3H8mZ4tVw2RkXb7NcYd1s Reply 1 safe, 2 need help";

/// The clients alone: reqwest and lettre, both at once.
pub(crate) async fn client(task: &Task) -> anyhow::Result<Measured> {
    both(task, sms_client(task), mail_client(task)).await
}

/// The gateways' own adapters: the clients, the filling-in of the requests, and the reading of the
/// answers.
pub(crate) async fn adapter(task: &Task) -> anyhow::Result<Measured> {
    let (sms, mail) = (sms_adapter(task), mail_adapter(task));
    both(task, sms, mail).await
}

/// Runs what is asked for, and measures the process meanwhile.
async fn both(
    task: &Task,
    sms: impl Future<Output = anyhow::Result<()>>,
    mail: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Measured> {
    let cpu = machine::own_cpu_us();
    let begun = Instant::now();
    let sms = async { if task.has_sms() { sms.await } else { Ok(()) } };
    let mail = async { if task.has_email() { mail.await } else { Ok(()) } };
    tokio::try_join!(sms, mail)?;
    let (wall_us, cpu_us) = (micros(begun.elapsed()), machine::own_cpu_us() - cpu);
    let mut messages = 0;
    if task.has_sms() {
        messages += sink::ask(task.port).await?.messages;
    }
    if task.has_email() {
        messages += mail_sink::ask(task.mail_port).await?;
    }
    Ok(Measured {
        messages,
        wall_us,
        cpu_us,
        peak_kib: machine::peak_kib(),
        ..Measured::default()
    })
}

/// reqwest, as the `http` gateway sets it up.
async fn sms_client(task: &Task) -> anyhow::Result<()> {
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
    loop_over(task, slots, move |number| {
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

/// lettre over sockets that do not wait for acknowledgements, one letter after the other on each.
async fn mail_client(task: &Task) -> anyhow::Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let (port, recipients) = (task.mail_port, task.recipients);
    let mut workers = JoinSet::new();
    for _ in 0..task.mail_slots() {
        let next = Arc::clone(&next);
        workers.spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            let hello = ClientId::Domain("clinic.example".to_owned());
            let mut connection =
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= recipients {
                    connection.quit().await?;
                    return Ok(());
                }
                let letter = letter(number)?;
                connection
                    .send(letter.envelope(), &letter.formatted())
                    .await?;
            }
        });
    }
    all(workers).await
}

fn letter(number: u32) -> anyhow::Result<lettre::Message> {
    let text = SinglePart::plain(TEXT.repeat(7));
    let html = SinglePart::html(TEXT.repeat(18));
    Ok(lettre::Message::builder()
        .from("Riverside Clinic <alerts@clinic.example>".parse()?)
        .to(house::mailbox(number).parse()?)
        .subject("DANGER. EVACUATE THE BUILDING NOW: fire")
        .message_id(Some(format!("<muster.{number}@clinic.example>")))
        .multipart(MultiPart::alternative().singlepart(text).singlepart(html))?)
}

fn opening() -> Opening {
    let clock = Clock::system();
    Opening {
        public_url: "https://alert.clinic.example".to_owned(),
        organisation: "Riverside Clinic".to_owned(),
        instance: "bench".to_owned(),
        sandbox: Phones::new(clock.clone()),
        clock,
    }
}

fn message(number: u32, to: String) -> Message {
    Message {
        delivery: DeliveryId(i64::from(number)),
        attempt: 1,
        mode: Mode::Actual,
        to: Address::new(to),
        language: Language("en".to_owned()),
        subject: None,
        text: TEXT.to_owned(),
        html: None,
        link: "https://alert.clinic.example/a/q3H8mZ4tVw2RkXb7NcYd1s".to_owned(),
        status_url: format!("https://alert.clinic.example/callbacks/sink/status?ref={number}"),
    }
}

async fn sms_adapter(task: &Task) -> anyhow::Result<()> {
    let gateway = kinds::open(&house::sms_gateway(task)?, &opening())?.gateway;
    loop_over(task, task.slots.get(), move |number| {
        let gateway = Arc::clone(&gateway);
        let message = message(number, house::mobile(number));
        async move {
            let taken = gateway.send(&message).await;
            taken.map_err(|failure| anyhow::anyhow!("{}", failure.reason))?;
            Ok(())
        }
    })
    .await
}

async fn mail_adapter(task: &Task) -> anyhow::Result<()> {
    let gateway = kinds::open(&house::mail_gateway(task)?, &opening())?.gateway;
    loop_over(task, task.mail_slots(), move |number| {
        let gateway = Arc::clone(&gateway);
        let mut message = message(number, house::mailbox(number));
        message.subject = Some("DANGER. EVACUATE THE BUILDING NOW: fire".to_owned());
        message.text = TEXT.repeat(7);
        message.html = Some(TEXT.repeat(18));
        async move {
            let taken = gateway.send(&message).await;
            taken.map_err(|failure| anyhow::anyhow!("{}", failure.reason))?;
            Ok(())
        }
    })
    .await
}

/// Sends every message, so many at once.
async fn loop_over<S, F>(task: &Task, slots: usize, send: S) -> anyhow::Result<()>
where
    S: Fn(u32) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let next = Arc::new(AtomicU32::new(0));
    let recipients = task.recipients;
    let mut workers = JoinSet::new();
    for _ in 0..slots {
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
    all(workers).await
}

async fn all(mut workers: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = workers.join_next().await {
        ended.context("a sender was lost")??;
    }
    Ok(())
}
