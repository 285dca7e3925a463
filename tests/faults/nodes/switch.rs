//! An address that stays while the server behind it changes, as a virtual address does at a failover;
//! and that can lose the answers to commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The switch. Clones share one; connections that are open stay where they are.
#[derive(Clone, Debug)]
pub(super) struct Switch(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    port: u16,
    target: AtomicU16,
    /// Of so many commits one loses its answer; zero: none.
    lose_one_of: AtomicUsize,
    commits: AtomicUsize,
    lost: AtomicUsize,
}

impl Switch {
    /// Listens on a free port and leads to `target` on this machine.
    pub(super) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let switch = Self(Arc::new(Parts {
            port: listener.local_addr().unwrap().port(),
            target: target.into(),
            lose_one_of: 0.into(),
            commits: 0.into(),
            lost: 0.into(),
        }));
        let own = switch.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let target = own.0.target.load(Ordering::SeqCst);
                let own = own.clone();
                tokio::spawn(async move {
                    // Nobody there: the client is hung up on.
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await {
                        own.carry(client, server).await;
                    }
                });
            }
        });
        switch
    }

    /// Leads new connections there.
    pub(super) fn turn(&self, target: u16) {
        self.0.target.store(target, Ordering::SeqCst);
    }

    /// Hangs up in place of the answer to one of so many commits; zero: no more.
    pub(super) fn lose_one_commit_of(&self, count: usize) {
        self.0.lose_one_of.store(count, Ordering::SeqCst);
    }

    /// How many commits lost their answer.
    pub(super) fn lost(&self) -> usize {
        self.0.lost.load(Ordering::SeqCst)
    }

    /// The database `name` behind it.
    pub(super) fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.0.port)
    }

    async fn carry(&self, mut client: TcpStream, mut server: TcpStream) {
        let (mut client_says, mut client_hears) = client.split();
        let (mut server_says, mut server_hears) = server.split();
        let is_lost = AtomicBool::new(false);
        let up = async {
            let mut bytes = vec![0; 65_536];
            while let Ok(count @ 1..) = client_says.read(&mut bytes).await {
                let said = &bytes[..count];
                if said.windows(7).any(|part| part == b"COMMIT\0") && self.loses_this() {
                    is_lost.store(true, Ordering::SeqCst);
                }
                if server_hears.write_all(said).await.is_err() {
                    return;
                }
            }
        };
        let down = async {
            let mut bytes = vec![0; 65_536];
            while let Ok(count @ 1..) = server_says.read(&mut bytes).await {
                let is_lost = is_lost.load(Ordering::SeqCst);
                if is_lost || client_hears.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = up => {}
            () = down => {}
        }
    }

    fn loses_this(&self) -> bool {
        let one_of = self.0.lose_one_of.load(Ordering::SeqCst);
        let number = self.0.commits.fetch_add(1, Ordering::SeqCst);
        let is_lost = one_of > 0 && number.is_multiple_of(one_of);
        self.0
            .lost
            .fetch_add(usize::from(is_lost), Ordering::SeqCst);
        is_lost
    }
}
