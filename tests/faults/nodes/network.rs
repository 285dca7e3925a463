//! A network of its own for one server, as if it stood in another room: one cable to the database, one
//! to everything else.

use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use super::node::Place;

static NEXT: AtomicU8 = AtomicU8::new(0);

/// The room. Torn down when dropped.
#[derive(Debug)]
pub(super) struct Room {
    name: String,
    subnet: u8,
}

/// Which cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cable {
    /// To the database.
    Database,
    /// To the gateway, and to whoever looks at its pages.
    Outside,
}

impl Cable {
    fn letter(self) -> char {
        match self {
            Self::Database => 'd',
            Self::Outside => 'o',
        }
    }

    /// The first three numbers of its addresses; the room's end is 2, this machine's is 1.
    fn network(self, subnet: u8) -> String {
        match self {
            Self::Database => format!("10.213.{subnet}"),
            Self::Outside => format!("10.214.{subnet}"),
        }
    }
}

impl Room {
    /// Lays both cables. Needs root, and fails where that is not to be had.
    pub(super) fn new() -> Self {
        let room = Self::free();
        let subnet = room.subnet;
        ip(&format!("-n {} link set lo up", room.name));
        for cable in [Cable::Database, Cable::Outside] {
            let (here, there) = (room.end(cable, 'h'), room.end(cable, 'r'));
            let network = cable.network(subnet);
            ip(&format!(
                "link add {here} type veth peer name {there} netns {}",
                room.name
            ));
            ip(&format!("addr add {network}.1/24 dev {here}"));
            ip(&format!(
                "-n {} addr add {network}.2/24 dev {there}",
                room.name
            ));
            ip(&format!("-n {} link set {there} up", room.name));
            room.plug_in(cable);
        }
        room
    }

    /// A room that no other test has.
    fn free() -> Self {
        let first = u8::try_from(std::process::id() % 200).unwrap();
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            assert!(
                number < 200,
                "all rooms are taken: delete those that `ip netns` lists"
            );
            let subnet = (first + number) % 200;
            let name = format!("muster{subnet}");
            match try_ip(&format!("netns add {name}")) {
                Ok(()) => return Self { name, subnet },
                Err(told) => assert!(told.contains("File exists"), "{told}"),
            }
        }
    }

    fn end(&self, cable: Cable, side: char) -> String {
        format!("mu{}{}{side}", self.subnet, cable.letter())
    }

    /// Pulls a cable out.
    pub(super) fn pull(&self, cable: Cable) {
        ip(&format!("link set {} down", self.end(cable, 'h')));
    }

    /// Puts it back in.
    pub(super) fn plug_in(&self, cable: Cable) {
        ip(&format!("link set {} up", self.end(cable, 'h')));
    }

    /// What the database's machine is called in there.
    pub(super) fn database_host(&self) -> String {
        format!("{}.1", Cable::Database.network(self.subnet))
    }

    /// What a server in there must know.
    pub(super) fn place(&self) -> Place {
        let outside = Cable::Outside.network(self.subnet);
        Place {
            host: format!("{outside}.2"),
            gateway: format!("{outside}.1"),
            wrapper: ["ip", "netns", "exec", &self.name]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let arguments = ["netns", "delete", &self.name];
        // A failing test has its own words.
        drop(Command::new("ip").args(arguments).status());
    }
}

fn ip(words: &str) {
    try_ip(words).unwrap();
}

/// Says what went wrong.
fn try_ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).output();
    let output = output.expect("the program ip (iproute2) is installed");
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "ip {words}: {told}This test lays network cables, which only root may: run it as root"
    ))
}
