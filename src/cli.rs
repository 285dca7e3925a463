//! The command line: reads the arguments, runs one command, and turns what went wrong into a sentence
//! and an exit code: 0 done, 1 failed, 2 wrong usage.

mod audit;
mod client;
mod configuration;
mod contacts;
mod demo;
mod doctor;
mod failure;
mod follow_up;
mod init;
mod logging;
mod opening;
mod progress;
mod send;
mod serve;
mod status;
mod templates;
mod terminal;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use failure::Failure;

/// Warns people, and can account for every one of them.
#[derive(Parser)]
#[command(
    name = "muster",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
struct Shared {
    /// The configuration; without it that of a demonstration's data folder, ./muster.toml if there is
    /// one, else the defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder, instead of the configuration's
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print facts as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Try it: a fictitious clinic with simulated phones
    Demo(demo::Demo),
    /// Run the service
    Serve,
    /// Write a commented muster.toml, and make the data folder and the key
    Init,
    /// Check or show the configuration
    #[command(subcommand)]
    Config(configuration::Configuration),
    /// Look at everything that must work before it is needed
    Doctor,
    /// Bring the database up to date with this program
    Migrate,
    /// Bring people into the directory, or take them out as a file
    #[command(subcommand)]
    Contacts(contacts::Contacts),
    /// Check, approve or list the message templates
    #[command(subcommand)]
    Templates(templates::Templates),
    /// Send an approved message, live or as a drill
    #[command(override_usage = "muster send <TEMPLATE> --to <GROUP>... <--live|--drill> [OPTIONS]")]
    Send(send::Send),
    /// Say how an alert stands
    Status(status::Status),
    /// Stop an alert: what has not left stays
    Stop(follow_up::Stop),
    /// Tell everyone who was told that it was a false alarm
    #[command(override_usage = "muster correct <ALERT> [OPTIONS]")]
    Correct(follow_up::FollowUp),
    /// Tell everyone who was told that it is over
    #[command(override_usage = "muster all-clear <ALERT> [OPTIONS]")]
    AllClear(follow_up::FollowUp),
    /// Tell everyone who was told what is new
    #[command(override_usage = "muster update <ALERT> [OPTIONS]")]
    Update(follow_up::FollowUp),
    /// Send the message again to those who have not answered
    Remind(follow_up::Remind),
    /// Make or list the accounts of people
    #[command(subcommand)]
    User(user::Users),
    /// Make, list or revoke the tokens of scripts
    #[command(subcommand)]
    Token(token::Tokens),
    /// Check the promises against the database, or the log of acts against itself
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let error = with_advice(error);
            if error.print().is_err() {
                // Nobody is listening any more.
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        // Somebody in this process was first: one provider serves them all.
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::from(error).tell(),
    };
    let done = runtime.block_on(cli.command.run(&cli.shared));
    // A read of the terminal that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// `--to a b` takes every word that follows, the template too if it comes last: that is said, for
/// the words "not provided" alone would puzzle whoever provided it.
fn with_advice(mut error: clap::Error) -> clap::Error {
    let missing = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let is_eaten = error.kind() == ErrorKind::MissingRequiredArgument
        && missing.is_some_and(|missing| missing.contains("<TEMPLATE>"));
    if is_eaten {
        let advice = "the template comes first: muster send closure --to all-staff --live";
        let advice = ContextValue::StyledStrs(vec![advice.into()]);
        error.insert(ContextKind::Suggested, advice);
    }
    error
}

impl Command {
    async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match self {
            Self::Demo(demo) => demo.run(shared).await,
            Self::Serve => serve::serve(shared).await,
            Self::Init => init::run(shared).await,
            Self::Config(configuration) => configuration.run(shared),
            Self::Doctor => doctor::run(shared).await,
            Self::Migrate => opening::migrate(shared).await,
            Self::Contacts(contacts) => contacts.run(shared).await,
            Self::Templates(templates) => templates.run(shared).await,
            Self::Send(send) => send.run(shared).await,
            Self::Status(status) => status.run(shared).await,
            Self::Stop(stop) => stop.run(shared).await,
            Self::Correct(follow_up) => follow_up.run("correct", shared).await,
            Self::AllClear(follow_up) => follow_up.run("all-clear", shared).await,
            Self::Update(follow_up) => follow_up.run("update", shared).await,
            Self::Remind(remind) => remind.run(shared).await,
            Self::User(users) => users.run(shared).await,
            Self::Token(tokens) => tokens.run(shared).await,
            Self::Audit(audit) => audit.run(shared).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_contradict_nothing() {
        Cli::command().debug_assert();
    }

    #[test]
    fn live_or_drill_must_be_said() {
        let parse = |words: &str| Cli::try_parse_from(words.split(' ')).map(|_| ());
        assert!(parse("muster send closure --to all-staff --live").is_ok());
        assert!(parse("muster send closure --to all-staff --drill --set reason=x until=y").is_ok());
        assert_eq!(
            parse("muster send closure --to all-staff")
                .unwrap_err()
                .exit_code(),
            2
        );
        assert_eq!(
            parse("muster send closure --to a --live --drill")
                .unwrap_err()
                .exit_code(),
            2
        );
    }
}
