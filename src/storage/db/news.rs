//! What the servers on one PostgreSQL database tell each other: LISTEN and NOTIFY.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::{Db, Pools, open};
use crate::storage::Error;

/// Where Muster's servers listen; PostgreSQL keeps the databases of one server apart.
const CHANNEL: &str = "muster";
/// After such a silence the connection is made anew: one that was cut without a word looks the same.
const SILENCE: Duration = Duration::from_secs(30);

/// Hears what the servers on this database say.
pub struct Ear(PgListener);

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ear")
    }
}

impl Db {
    /// Says a word to all servers on this database, this one among them. Whoever does not listen now
    /// never hears it. On SQLite there is nobody to tell.
    pub async fn say(&self, word: &str) -> Result<(), Error> {
        if matches!(self.pools, Pools::Sqlite { .. }) {
            return Ok(());
        }
        // A word is no fact: nobody waits for a disk or a standby because of it.
        self.sql_for(
            "SELECT $1, $2",
            "SELECT set_config('synchronous_commit', 'off', TRUE), pg_notify($1, $2)",
        )
        .bind(CHANNEL)
        .bind(word)
        .execute()
        .await?;
        Ok(())
    }

    /// Begins to listen, by a connection of its own. None on SQLite.
    pub async fn listen(&self) -> Result<Option<Ear>, Error> {
        let Pools::Postgres(pool) = &self.pools else {
            return Ok(None);
        };
        let own = open::postgres::pool(1, (*pool.connect_options()).clone());
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Ear(listener)))
    }
}

impl Ear {
    /// The next word. None: words may have been missed, because the connection had to be made anew.
    /// After that, and after an error, listen again.
    pub async fn hear(&mut self) -> Result<Option<String>, Error> {
        match tokio::time::timeout(SILENCE, self.0.try_recv()).await {
            Ok(heard) => Ok(heard?.map(|word| word.payload().to_owned())),
            Err(_silence) => Ok(None),
        }
    }
}
