//! Notices when someone changes a message template on disk, so that an approval by command holds at
//! once and a text that was changed since is refused.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::info;

use crate::app::App;
use crate::template::load::DEFAULT_DIR;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until the service stops; at once over where the templates are part of the program.
pub(super) async fn run(app: App) {
    let folder = app
        .config
        .templates
        .clone()
        .unwrap_or_else(|| DEFAULT_DIR.into());
    if !folder.is_dir() {
        return;
    }
    let mut seen = look(folder.clone()).await;
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {} // paces the look at the folder
        }
        let now = look(folder.clone()).await;
        if now != seen {
            seen = now;
            app.reload_templates();
            info!("The message templates changed on disk and were read again");
            app.tell();
        }
    }
}

/// What tells one state of the files from another.
type Seen = Vec<(PathBuf, u64, Option<SystemTime>)>;

async fn look(folder: PathBuf) -> Seen {
    tokio::task::spawn_blocking(move || files(&folder, 2))
        .await
        .unwrap_or_default()
}

/// The files of a folder and of those inside it, `depth` levels down. What cannot be read is not there.
fn files(folder: &Path, depth: usize) -> Seen {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(facts) if facts.is_dir() && depth > 0 => seen.extend(files(&path, depth - 1)),
            Ok(facts) => seen.push((path, facts.len(), facts.modified().ok())),
            Err(_) => {}
        }
    }
    seen.sort();
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_an_added_and_a_deleted_text_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("closure/en/sms.hbs");
        std::fs::create_dir_all(text.parent().unwrap()).unwrap();
        std::fs::write(&text, "one").unwrap();
        let first = files(folder.path(), 2);
        assert_eq!(first.len(), 1);
        std::fs::write(&text, "three").unwrap();
        let second = files(folder.path(), 2);
        assert_ne!(first, second);
        std::fs::write(text.with_file_name("voice.hbs"), "two").unwrap();
        assert_eq!(files(folder.path(), 2).len(), 2);
        std::fs::remove_file(&text).unwrap();
        assert_ne!(files(folder.path(), 2), second);
    }
}
