//! `muster user`: makes and lists the accounts of people.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::{Failure, said};
use super::{Shared, terminal};
use crate::account::link;
use crate::account::password::Passwords;
use crate::account::role::Role;
use crate::account::user::{self, NewUser, User};
use crate::audit::Actor;

/// How long a sign-in link can be used.
const LINK_VALID: Duration = Duration::from_hours(24);

#[derive(Subcommand)]
pub(super) enum Users {
    /// Make an account; the password is asked for, or read from stdin
    Add(Add),
    /// List the accounts
    List,
}

#[derive(Args)]
pub(super) struct Add {
    /// What the person types to sign in
    login: String,
    /// What others read
    #[arg(long)]
    name: String,
    /// sender, approver, directory-admin, system-admin, auditor; several with commas
    #[arg(long, value_name = "ROLE", required = true, value_delimiter = ',', value_parser = role)]
    role: Vec<Role>,
    /// Read the password from the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with = "link")]
    password_file: Option<PathBuf>,
    /// Set no password; print a link that lets the person in once, within 24 hours
    #[arg(long)]
    link: bool,
}

fn role(text: &str) -> Result<Role, String> {
    text.replace('-', "_").parse()
}

impl Users {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(shared).await,
            Self::List => list(shared).await,
        }
    }
}

impl Add {
    async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let app = shared.open_or_make().await?;
        let password = if self.link {
            None
        } else {
            Some(password(self.password_file.as_deref())?)
        };
        let new = NewUser {
            login: self.login.clone(),
            name: self.name.clone(),
            roles: self.role.clone(),
            password,
        };
        let (now, by) = (app.clock.now(), Actor::command_line());
        let user = user::create(&app.db, &Passwords::default(), new, now, &by).await?;
        let link = if self.link {
            Some(link::make_sign_in(&app.db, user.id, LINK_VALID, now, &by).await?)
        } else {
            None
        };
        let link = link.map(|token| format!("{}/sign-in/{token}", app.public_url));
        app.db.close().await;
        if shared.json {
            return terminal::json(&json!({
                "id": user.id, "login": user.login, "roles": user.roles, "sign_in_url": link,
            }));
        }
        terminal::say(format!("{} can sign in as {}", user.name, user.login))?;
        link.map_or(Ok(()), |link| terminal::say(format!("Sign in: {link}")))
    }
}

/// From the file, from the person at the terminal, or from the first line of stdin: never from the
/// arguments, which everyone on the machine can read.
fn password(file: Option<&Path>) -> Result<String, Failure> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| said(format!("{} cannot be read: {error}", file.display())))?,
        None if std::io::stdin().is_terminal() => return ask(),
        None => line()?,
    };
    let password = text.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() {
        return Err(said(
            "no password was given: write it to stdin, or use --password-file or --link",
        ));
    }
    Ok(password)
}

fn ask() -> Result<String, Failure> {
    terminal::remark("Password (at least 12 characters; it is not shown):");
    let first = unseen()?;
    terminal::remark("The same again:");
    if unseen()? == first {
        Ok(first)
    } else {
        Err(said("the two passwords differ: nothing was made"))
    }
}

/// A line that the terminal does not show while it is typed.
fn unseen() -> Result<String, Failure> {
    let is_hidden = stty("-echo");
    let line = line();
    if is_hidden && !stty("echo") {
        terminal::remark("The terminal stays silent: type `stty echo`.");
    }
    line
}

fn stty(setting: &str) -> bool {
    let done = Command::new("stty")
        .arg(setting)
        .stdin(Stdio::inherit())
        .status();
    done.is_ok_and(|status| status.success())
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn list(shared: &Shared) -> Result<(), Failure> {
    let app = shared.open().await?;
    let users = user::list(&app.db).await?;
    app.db.close().await;
    if shared.json {
        let users = users.iter().map(|user| {
            json!({
                "id": user.id, "login": user.login, "name": user.name, "roles": user.roles,
                "disabled": user.disabled_at.is_some(), "has_password": user.has_password,
            })
        });
        return terminal::json(&users.collect::<Vec<_>>());
    }
    let row = |user: &User| {
        let roles: Vec<&str> = user.roles.iter().map(|role| role.word()).collect();
        let state = if user.disabled_at.is_some() {
            "disabled"
        } else {
            ""
        };
        vec![
            user.login.clone(),
            user.name.clone(),
            roles.join(" "),
            state.to_owned(),
        ]
    };
    terminal::table(&users.iter().map(row).collect::<Vec<_>>())
}
