//! How the service is looked after: who is told when something does not work, and what is kept for it.

use serde::Deserialize;

use super::is_web_address;
use crate::directory::email_address::EmailAddress;

/// How the service is looked after.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Who is told, by another gateway, when a gateway does not work: mobile numbers in full (`+…`)
    /// and e-mail addresses.
    pub notify: Vec<String>,
    /// Asked for each minute as long as everything is well; whoever listens there raises the alarm
    /// when it stops. None: nobody outside is told.
    pub heartbeat_url: Option<String>,
    /// The HTTP proxy on the way there.
    pub heartbeat_proxy: Option<String>,
    /// Megabytes on the disk that are kept for answers when it is full; on an embedded database.
    pub reserve_megabytes: u32,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            notify: Vec::new(),
            heartbeat_url: None,
            heartbeat_proxy: None,
            reserve_megabytes: 64,
        }
    }
}

impl Operations {
    /// What is wrong with them, each naming its key.
    pub(super) fn problems(&self) -> Vec<String> {
        let strangers = self.notify.iter().filter(|address| !can_be_told(address));
        let mut problems: Vec<String> = strangers
            .map(|address| {
                format!(
                    "operations.notify: \"{address}\" is neither an e-mail address nor a mobile \
                         number in full, as +41791234567 is one"
                )
            })
            .collect();
        let urls = [
            ("heartbeat_url", &self.heartbeat_url),
            ("heartbeat_proxy", &self.heartbeat_proxy),
        ];
        for (key, url) in urls {
            if url.as_deref().is_some_and(|url| !is_web_address(url)) {
                problems.push(format!(
                    "operations.{key}: it must look like https://host/path"
                ));
            }
        }
        problems
    }
}

/// Whether it is an e-mail address or a number with its country's prefix.
fn can_be_told(address: &str) -> bool {
    match address.strip_prefix('+') {
        Some(digits) => digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit()),
        None => EmailAddress::parse(address).is_ok(),
    }
}
