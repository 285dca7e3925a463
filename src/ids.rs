//! Names the things that have ids, so that swapping two of them does not compile.
//!
//! What people create has a UUID v7 made here. What one alert makes by the hundred thousand
//! (recipients, deliveries) has an integer composed of the alert's number and an ordinal, so that one
//! `INSERT … SELECT` can make them all, and the program knows every id of a batch without reading
//! it back (docs/adr/0003).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            sqlx::Type, utoipa::ToSchema,
        )]
        #[sqlx(transparent)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id; later ids sort after earlier ones.
            #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
            #[expect(clippy::new_without_default, reason = "a default id would hide a forgotten one")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

uuid_id! {
    /// One activation, as the outside names it. Inside, hot tables use its [`AlertNumber`].
    AlertId;
    /// A person in the directory.
    ContactId;
    /// One address of a contact.
    ContactPointId;
    /// A named set of contacts.
    GroupId;
    /// Someone who signs in.
    UserId;
    /// A session's row, not its cookie.
    SessionId;
    /// An API token's row, not its secret.
    TokenId;
    /// One answer that someone gave.
    ResponseId;
    /// One receipt that a gateway sent.
    ReceiptId;
    /// One inbound message.
    ReplyId;
    /// A human phone tree.
    CallTreeId;
    /// One time that a number asked for nothing more.
    OptOutId;
    /// One file of people that was imported.
    ImportId;
}

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            sqlx::Type, utoipa::ToSchema,
        )]
        #[sqlx(transparent)]
        #[serde(transparent)]
        #[schema(value_type = i64)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number_id! {
    /// What people say aloud ("alert 17"), and the upper half of its recipients' and deliveries' ids.
    AlertNumber;
    /// A contact in one alert.
    RecipientId;
    /// One message to one recipient on one contact point.
    DeliveryId;
    /// One start of a sending process. Deliveries that an earlier boot left `sending` are in doubt.
    BootId;
}

/// Recipients and deliveries one alert can have: the lower half of their ids.
const ORDINAL_BITS: u32 = 32;

impl AlertNumber {
    /// What this alert's ids are counted from: its first recipient is `base() + 1`.
    pub fn base(self) -> i64 {
        self.0 << ORDINAL_BITS
    }
}

impl RecipientId {
    /// The alert that this recipient belongs to.
    pub fn alert(self) -> AlertNumber {
        AlertNumber(self.0 >> ORDINAL_BITS)
    }
}

impl DeliveryId {
    /// The alert that this delivery belongs to.
    pub fn alert(self) -> AlertNumber {
        AlertNumber(self.0 >> ORDINAL_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_knows_its_alert() {
        let first = DeliveryId(AlertNumber(17).base() + 1);
        assert_eq!(first.alert(), AlertNumber(17));
    }

    #[test]
    fn ids_of_different_alerts_never_meet() {
        let last_of_one = AlertNumber(1).base() + i64::from(u32::MAX);
        assert!(last_of_one < AlertNumber(2).base() + 1);
    }
}
