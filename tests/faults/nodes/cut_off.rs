//! F17: a server loses the network to the database, or to the gateway only, while the others have both.

use std::time::{Duration, Instant};

use super::book::Book;
use super::network::{Cable, Room};
use super::node::{Node, Site};
use super::server::Server;

/// A server here and one in a room of its own, on a database server that both reach.
async fn here_and_there(book: &Book, room: &Room) -> (Server, Node, Node) {
    let server = Server::start("-c listen_addresses=*");
    let mut site = Site {
        database: Some(server.url()),
        slots: 4,
        more: String::new(),
    };
    let mut here = Node::first(&site, "here", book).await;
    site.database = Some(server.url().replace("127.0.0.1", &room.database_host()));
    let mut there = here.beside(&site, "there", book, &room.place());
    here.import("everyone", 0, 400).await;
    here.serve().await;
    there.serve().await;
    (server, here, there)
}

#[tokio::test]
async fn f17_a_server_cut_off_from_the_database_stops_sending_and_the_other_takes_over() {
    let book = Book::open(Duration::from_millis(50)).await;
    let room = Room::new();
    let (_server, here, there) = here_and_there(&book, &room).await;
    here.launch("everyone").await;
    book.wait_for_each(&["here", "there"]).await;
    // What it has on the wire is answered later: so much it has half-sent when it is cut off.
    book.hold("there");
    book.wait_for(book.count() + 50).await;
    room.pull(Cable::Database);
    let cut = Instant::now();
    book.release();
    there
        .wait_until("not ready", async || there.ready().await.0 == 503)
        .await;
    there
        .wait_until("saying that it cannot send", async || {
            there.ready().await.1.contains("cannot send here")
        })
        .await;
    assert!(
        cut.elapsed() < Duration::from_secs(20),
        "noticed after {:?}",
        cut.elapsed()
    );
    let (_, page) = there.page("/sign-in").await;
    assert!(page.contains("This server cannot send"), "{page}");
    let (status, figures) = there.page("/metrics").await;
    assert_eq!(status, 200, "it is not away: it lacks its database");
    for line in [
        "muster_database_up 0\n",
        "muster_lease_held 0\n",
        "muster_gateway_down{",
    ] {
        assert!(figures.contains(line), "{line}: {figures}");
    }
    assert!(!figures.contains("muster_lag_seconds"), "{figures}");
    here.all_accepted().await;
    assert!(
        cut.elapsed() < Duration::from_secs(25),
        "the other was done after {:?}",
        cut.elapsed()
    );
    for taken in book.taken().iter().filter(|one| one.node == "there") {
        let after = taken.at.saturating_duration_since(cut);
        assert!(
            after < Duration::from_secs(15),
            "sent without a lease, {after:?} after the cut"
        );
    }
    assert_eq!(book.copies().len(), 400);
    let twice = here.compare(&book).await;
    assert!(
        twice <= 8,
        "{twice} got it twice: four were in flight, a few more were claimed"
    );

    room.plug_in(Cable::Database);
    there
        .wait_until("back", async || there.ready().await.0 == 200)
        .await;
    let before = book.sent_by("there");
    here.launch("everyone").await;
    here.all_accepted().await;
    assert!(book.sent_by("there") > before, "it sends again");
    here.compare(&book).await;
    here.audit().await;
}

#[tokio::test]
async fn f17_what_a_server_without_its_gateway_has_taken_up_goes_out_by_the_other() {
    let book = Book::open(Duration::from_millis(50)).await;
    let room = Room::new();
    let (_server, here, _there) = here_and_there(&book, &room).await;
    here.launch("everyone").await;
    book.wait_for_each(&["here", "there"]).await;
    room.pull(Cable::Outside);
    let cut = Instant::now();
    here.all_accepted().await;
    assert!(
        cut.elapsed() < Duration::from_secs(45),
        "handed back after {:?}",
        cut.elapsed()
    );
    assert_eq!(book.copies().len(), 400);
    here.compare(&book).await;
    here.audit().await;
}
