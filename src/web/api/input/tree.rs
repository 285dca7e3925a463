//! JSON as it was sent, read strictly: objects where objects are asked for, every field once, and
//! words for people when something is wrong.
//!
//! What derives its reading takes a list for an object, the last of two equal fields, and complains
//! in the words of its own types. A launch must not go out because of any of these.

use std::collections::HashSet;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;

/// One value of a body, with every field that was sent, in its order.
#[derive(Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Where something stands that no body may hold, and what that is.
    pub(super) fn flaw(&self) -> Option<(String, &'static str)> {
        match self {
            Self::Text(text) if text.contains('\0') => {
                Some((String::new(), "holds a null character: take it out"))
            }
            Self::List(list) => list.iter().enumerate().find_map(|(index, value)| {
                let (rest, what) = value.flaw()?;
                Some((joined(&format!("[{index}]"), &rest), what))
            }),
            Self::Object(fields) => {
                let mut seen = HashSet::new();
                fields.iter().find_map(|(name, value)| {
                    if name.contains('\0') {
                        return Some((name.replace('\0', "?"), "is named with a null character"));
                    }
                    if !seen.insert(name) {
                        return Some((name.clone(), "is given twice: say it once"));
                    }
                    let (rest, what) = value.flaw()?;
                    Some((joined(name, &rest), what))
                })
            }
            _ => None,
        }
    }

    /// What it is, in words.
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    fn must_be(&self, what: &str) -> Fault {
        Fault::Wrong(format!("must be {what}, not {}", self.kind()))
    }
}

/// The path of a part of a part.
pub(super) fn joined(path: &str, part: &str) -> String {
    match (path, part) {
        ("", part) => part.to_owned(),
        (path, "") => path.to_owned(),
        (path, part) if part.starts_with('[') => format!("{path}{part}"),
        (path, part) => format!("{path}.{part}"),
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Tree::Object(fields))
    }
}

/// What is wrong with a value; where it stands is known by whoever reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A field that must be there is not.
    Missing(&'static str),
    /// A field that nobody knows; these are known.
    Unknown(&'static [&'static str]),
    /// The end of a sentence that begins with the field's name.
    Wrong(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "lacks \"{name}\""),
            Self::Unknown(known) => write!(f, "is not known; it can be {}", quoted(known)),
            Self::Wrong(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        Self::Wrong(if message.starts_with("UUID parsing failed") {
            format!("must be an id, which looks like {AN_ID}")
        } else {
            format!("is not right: {message}")
        })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Wrong(format!("must be {expected}, not {}", Found(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Wrong(format!(
            "must be {}, not \"{variant}\"",
            quoted(expected).replace(", ", " or ")
        ))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Unknown(expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// What an id looks like.
pub(super) const AN_ID: &str = "0190a000-0000-7000-8000-000000000000";

struct Found<'a>(Unexpected<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Str(text) => write!(f, "\"{text}\""),
            Unexpected::Unsigned(number) => number.fmt(f),
            Unexpected::Signed(number) => number.fmt(f),
            other => other.fmt(f),
        }
    }
}

/// `"live", "drill"`.
pub(super) fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

impl IntoDeserializer<'_, Fault> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads each kind of value only where that kind is asked for.
macro_rules! only {
    ($($method:ident: $kind:pat, $words:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self {
                $kind => self.deserialize_any(visitor),
                other => Err(other.must_be($words)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Self::Text(text) => visitor.visit_string(text),
            Self::List(list) => visitor.visit_seq(SeqDeserializer::new(list.into_iter())),
            Self::Object(fields) => visitor.visit_map(MapDeserializer::new(fields.into_iter())),
        }
    }

    only! {
        deserialize_bool: Self::Bool(_), "true or false";
        deserialize_str: Self::Text(_), "text";
        deserialize_string: Self::Text(_), "text";
        deserialize_seq: Self::List(_), "a list";
        deserialize_map: Self::Object(_), "an object";
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self {
            Self::Number(number) if number.is_u64() => self.deserialize_any(visitor),
            Self::Number(number) => Err(Fault::Wrong(format!(
                "must be a whole number, 0 or more, not {number}"
            ))),
            other => Err(other.must_be("a whole number")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Self::Text(text) => visitor.visit_enum(text.into_deserializer()),
            other => Err(other.must_be(&quoted(variants).replace(", ", " or "))),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}
