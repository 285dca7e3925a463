//! A real Kannel for one test: bearerbox and smsbox on free ports, with the test as the phones.
#![expect(
    clippy::panic,
    reason = "a gateway that does not start is a failed test"
)]

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::environment::{http_client, variable};
use super::kannel_phones::Phones;
use super::ports::free_port;

/// What Kannel asks of whoever submits a message.
pub const USERNAME: &str = "tester";
/// The password that belongs to [`USERNAME`].
pub const PASSWORD: &str = "foobar";
/// The number that messages come from when the sender names none; replies go to it.
pub const SHORT_CODE: &str = "13013";

const START_LIMIT: Duration = Duration::from_secs(20);

/// A running Kannel; both programs are killed when it is dropped.
#[derive(Debug)]
pub struct Kannel {
    ports: Ports,
    phones: Option<Phones>,
    // Held for their drop: the programs die first, then their folder goes.
    smsbox: Child,
    bearerbox: Child,
    directory: TempDir,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    admin: u16,
    smsbox: u16,
    carrier: u16,
    sendsms: u16,
}

impl Kannel {
    /// Starts Kannel and plugs the phones in. What people text back is fetched from `inbound_url`
    /// by GET with `from`, `to`, `text` and `id` added to its query; nothing listens there yet, if
    /// you like: `ports::free_port` names a port for a server that starts later.
    pub async fn start(inbound_url: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let ports = Ports {
            admin: free_port(),
            smsbox: free_port(),
            carrier: free_port(),
            sendsms: free_port(),
        };
        let configuration = configuration(ports, inbound_url);
        std::fs::write(directory.path().join("kannel.conf"), configuration).expect("write");

        let mut bearerbox = spawn("MUSTER_TEST_BEARERBOX", directory.path(), "bearerbox");
        let carrier = connect(ports.carrier, &mut bearerbox, directory.path()).await;
        let mut smsbox = spawn("MUSTER_TEST_SMSBOX", directory.path(), "smsbox");
        drop(connect(ports.sendsms, &mut smsbox, directory.path()).await);

        let kannel = Self {
            ports,
            phones: Some(Phones::on(carrier)),
            smsbox,
            bearerbox,
            directory,
        };
        kannel
            .wait_for_status(|status| status.contains("(on-line") && status.contains("(online"))
            .await;
        kannel
    }

    /// The address that messages are submitted to: a gateway's `url`.
    pub fn sendsms_url(&self) -> String {
        format!("http://127.0.0.1:{}/cgi-bin/sendsms", self.ports.sendsms)
    }

    /// The phones. Fails the test while they are unplugged.
    pub fn phones(&self) -> &Phones {
        self.phones.as_ref().expect("the phones are unplugged")
    }

    /// Cuts the carrier off: Kannel takes messages ("queued for later delivery"), and no receipt
    /// comes until [`Kannel::plug_in`].
    pub async fn unplug(&mut self) {
        self.phones = None;
        self.wait_for_status(|status| !status.contains("(online"))
            .await;
    }

    /// Connects the carrier again; the phones begin empty.
    pub async fn plug_in(&mut self) {
        let directory = self.directory.path();
        let carrier = connect(self.ports.carrier, &mut self.bearerbox, directory).await;
        self.phones = Some(Phones::on(carrier));
        self.wait_for_status(|status| status.contains("(online"))
            .await;
    }

    /// Kills both programs at once, as a power cut would: connections are refused from here on.
    pub async fn kill(&mut self) {
        self.phones = None;
        self.smsbox.kill().await.expect("smsbox is ours to kill");
        self.bearerbox
            .kill()
            .await
            .expect("bearerbox is ours to kill");
    }

    async fn wait_for_status(&self, reached: impl Fn(&str) -> bool) {
        let url = format!(
            "http://127.0.0.1:{}/status.txt?password=statuspw",
            self.ports.admin
        );
        let client = http_client();
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let response = client
                .get(&url)
                .send()
                .await
                .expect("Kannel's status page answers");
            let status = response.text().await.expect("the status is text");
            if reached(&status) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "Kannel did not get ready:\n{status}"
            );
            pause().await;
        }
    }
}

fn spawn(variable_name: &str, directory: &Path, name: &str) -> Child {
    let output = File::create(directory.join(name).with_extension("out")).expect("create");
    let errors = output.try_clone().expect("a second handle");
    Command::new(variable(variable_name))
        .args(["-v", "4", "kannel.conf"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .kill_on_drop(true)
        .spawn()
        .expect("Kannel's programs start")
}

/// Connects to a port of a program that is starting; fails the test with the program's own words
/// if it ends instead.
async fn connect(port: u16, program: &mut Child, directory: &Path) -> TcpStream {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
            return stream;
        }
        let ended = program
            .try_wait()
            .expect("its state can be asked")
            .is_some();
        if ended || Instant::now() > deadline {
            let words = ["bearerbox.out", "smsbox.out"]
                .map(|file| std::fs::read_to_string(directory.join(file)).unwrap_or_default());
            panic!("Kannel did not open port {port}:\n{}", words.join("\n"));
        }
        pause().await;
    }
}

/// Between two looks at a program that announces nothing by itself.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

fn configuration(ports: Ports, inbound_url: &str) -> String {
    let Ports {
        admin,
        smsbox,
        carrier,
        sendsms,
    } = ports;
    let joint = if inbound_url.contains('?') { '&' } else { '?' };
    format!(
        r#"group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = adminpw
status-password = statuspw
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
dlr-storage = internal
log-file = "bearerbox.log"
log-level = 0

group = smsc
smsc = fake
smsc-id = FAKE
port = {carrier}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {smsbox}
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
global-sender = {SHORT_CODE}
log-file = "smsbox.log"
log-level = 0
mo-recode = true

group = sendsms-user
username = {USERNAME}
password = {PASSWORD}
concatenation = true
max-messages = 10
omit-empty = true

group = sms-service
keyword = default
catch-all = yes
max-messages = 0
concatenation = true
get-url = "{inbound_url}{joint}from=%p&to=%P&text=%a&id=%I"
"#
    )
}
