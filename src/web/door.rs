//! Lets in only as many connections as leave the service room to work: a crowd at the door may have to
//! wait, but it may not take the files that sending and the database need.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::channel::Configured;

/// Open files that are kept for whatever is neither a visitor nor counted below: the log, the listener,
/// the heartbeat, name look-ups, the files of templates.
const BASE: usize = 24;
/// Open files of the database: connections to PostgreSQL with the one that listens, or SQLite's few
/// connections with three files each.
const DATABASE: usize = 24;
/// However few there are, these many are let in.
const FEWEST: usize = 8;
/// Where nobody says how many files may be open.
const USUAL: usize = 4096;

/// A listener with a limit.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Door {
    /// Lets in what the files that this process may open leave, when each gateway uses all its slots.
    pub(super) fn open(listener: TcpListener, gateways: &[Configured]) -> Self {
        let slots = gateways.iter().map(|one| one.common.slots);
        let visitors = visitors(files().unwrap_or(USUAL), slots);
        Self {
            listener,
            room: Arc::new(Semaphore::new(visitors.min(Semaphore::MAX_PERMITS))),
        }
    }
}

/// How many may be let in where so many files may be open and the gateways have these slots.
fn visitors(files: usize, slots: impl Iterator<Item = usize>) -> usize {
    let ours = slots.fold(BASE + DATABASE, usize::saturating_add);
    files.saturating_sub(ours).max(FEWEST)
}

/// How many files this process may have open, after asking for as many as it is allowed.
#[cfg(unix)]
fn files() -> Option<usize> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "The limit of open files stays as it is");
    }
    let files = getrlimit(Resource::Nofile).current?;
    usize::try_from(files).ok()
}

#[cfg(not(unix))]
fn files() -> Option<usize> {
    None
}

impl Listener for Door {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.expect("the door is never locked");
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        // Small answers must not wait for more to send.
        if let Err(cause) = stream.set_nodelay(true) {
            warn!(%cause, "A connection keeps its delay");
        }
        let visit = Visit {
            stream,
            _room: room,
        };
        (visit, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection; makes room for the next when it is dropped.
#[derive(Debug)]
pub(super) struct Visit {
    stream: TcpStream,
    _room: OwnedSemaphorePermit,
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_get_what_the_database_and_every_slot_of_every_gateway_leave() {
        assert_eq!(visitors(1024, [].into_iter()), 1024 - 48);
        assert_eq!(visitors(1024, [100, 200].into_iter()), 1024 - 48 - 300);
        assert_eq!(visitors(1024, [usize::MAX, 1].into_iter()), FEWEST);
    }
}
