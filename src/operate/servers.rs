//! Looks at whether the servers on one database survive the loss of it.

use crate::app::App;
use crate::storage::{Error, boots};

/// What there is to say about the servers on the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// One, or none.
    Alone,
    /// So many, and every commit waits for a standby.
    Safe(i64),
    /// So many, and no commit waits for a standby: a failover may lose what was said to be recorded.
    Unsafe(i64),
}

/// Asks the database.
pub async fn look(app: &App) -> Result<Servers, Error> {
    let now = boots::shared_now(&app.db, app.clock.now()).await?;
    let alive = boots::count_alive(&app.db, now).await?;
    let standbys = boots::synchronous_standbys(&app.db).await?;
    Ok(judge(app.db.is_shared(), alive, &standbys))
}

fn judge(is_shared: bool, alive: i64, standbys: &str) -> Servers {
    match alive {
        ..=1 => Servers::Alone,
        _ if !is_shared => Servers::Alone,
        _ if standbys.trim().is_empty() => Servers::Unsafe(alive),
        _ => Servers::Safe(alive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_servers_need_a_standby_that_commits_wait_for() {
        assert_eq!(judge(true, 1, ""), Servers::Alone);
        assert_eq!(judge(true, 2, " "), Servers::Unsafe(2));
        assert_eq!(judge(true, 2, "FIRST 1 (muster_standby)"), Servers::Safe(2));
        assert_eq!(judge(false, 2, ""), Servers::Alone);
    }
}
