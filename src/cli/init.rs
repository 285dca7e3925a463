//! `muster init`: a commented configuration, the data folder and the key, and what to do next.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::configuration::EXAMPLE;
use super::failure::{Failure, said};
use super::{Shared, terminal};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::storage::Access;

pub(super) async fn run(shared: &Shared) -> Result<(), Failure> {
    let source = shared.source();
    let file = source.file();
    let is_new = write_example(file)?;
    let config = Config::load(&source)?;
    let key = config.key_path();
    let app = App::open(config, Clock::system(), Access::Create).await?;
    let folder = app.config.data_dir.display().to_string();
    app.db.close().await;
    if shared.json {
        return terminal::json(&json!({
            "configuration": file, "written": is_new, "data_dir": folder, "key": key,
        }));
    }
    let file = file.display();
    if is_new {
        terminal::say(format!(
            "{file}: written. Every key is in it, commented, with its default."
        ))?;
    } else {
        terminal::say(format!("{file}: there already, left as it is."))?;
    }
    terminal::say(format!("{folder}: the data folder is ready."))?;
    terminal::say(format!(
        "{}: the key that numbers and addresses are sealed with. Without it the database is of no \
         use: keep a copy of it somewhere else, apart from the database's.",
        key.display()
    ))?;
    terminal::say(format!(
        "\nNext:\n  1. Set [organisation] and a [[gateway]] in {file}, then run `muster config check`\n  \
         2. muster contacts import staff.csv --dry-run\n  \
         3. muster templates check && muster templates approve closure\n  \
         4. muster serve     prints a link that makes the first account\n  \
         5. muster doctor    looks at everything that must work"
    ))
}

/// Writes the example unless there is a file; answers whether it did.
fn write_example(file: &Path) -> Result<bool, Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    // Passwords may be written into it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options
        .open(file)
        .and_then(|mut open| open.write_all(EXAMPLE.as_bytes()))
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(said(format!(
            "{} cannot be written: {error}",
            file.display()
        ))),
    }
}
