//! `muster doctor`: looks at everything that must work before it is needed.

use super::failure::Failure;
use super::{Shared, terminal};
use crate::config::Config;
use crate::operate::doctor::{self, Health};

pub(super) async fn run(shared: &Shared) -> Result<(), Failure> {
    let findings = doctor::look(Config::examine(&shared.source())).await;
    let is_bad = findings.iter().any(|finding| finding.health == Health::Bad);
    if shared.json {
        terminal::json(&findings)?;
    } else {
        let rows = findings.iter().map(|finding| {
            let sign = match finding.health {
                Health::Good => "  ok",
                Health::Warning => "note",
                Health::Bad => " BAD",
            };
            vec![sign.to_owned(), finding.what.clone(), finding.words.clone()]
        });
        terminal::table(&rows.collect::<Vec<_>>())?;
    }
    if is_bad { Err(Failure::Shown) } else { Ok(()) }
}
