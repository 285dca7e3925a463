//! Runs this same program as another process: ended when its parent ends, or is dropped.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::Context as _;

use crate::options::Task;

/// Ends this process, a child, when its parent has ended: the parent never writes to it, so its
/// input ends only then.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        drop(std::io::stdin().read_line(&mut String::new()));
        std::process::exit(1);
    });
}

/// A running child. Killed when it is dropped before its end.
#[derive(Debug)]
pub(crate) struct Child {
    role: String,
    process: std::process::Child,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts it. What it says to its standard error is shown.
    pub(crate) fn start(role: &str, task: &Task) -> anyhow::Result<Self> {
        let arguments = if role.ends_with("sink") {
            Vec::new()
        } else {
            task.arguments()
        };
        let mut process = Command::new(std::env::current_exe()?)
            .arg(role)
            .args(arguments)
            // Open until we end, however that is: see `end_with_parent`.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("the {role} does not start"))?;
        let output = process.stdout.take().context("its output is a pipe")?;
        Ok(Self {
            role: role.to_owned(),
            process,
            output: BufReader::new(output),
        })
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Waits for its end: all that it printed, or an error if it failed.
    pub(crate) fn finish(mut self) -> anyhow::Result<String> {
        let mut said = String::new();
        self.output.read_to_string(&mut said)?;
        let status = self.process.wait()?;
        anyhow::ensure!(
            status.success(),
            "the {} failed; its reason is above",
            self.role
        );
        Ok(said)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
