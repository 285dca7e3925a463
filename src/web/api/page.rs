//! Cuts lists into pages: `{items, next}`, with `?limit=&cursor=`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::input::number;
use crate::web::problem::Problem;

/// Entries of a page that asks for no number.
const USUAL: u32 = 200;
/// Entries of a page at most; who asks for more gets this many.
const MOST: u32 = 1000;

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The entries, in the list's order.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; null on the last one.
    pub next: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct PageQuery {
    /// Entries on the page: 1 to 1000, else 200. More than 1000 gives 1000.
    #[serde(deserialize_with = "number")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// How many entries a page has; 422 for none.
pub fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked.unwrap_or(USUAL) {
        0 => Err(Problem::invalid("limit must be 1 or more").field("limit")),
        asked => Ok(usize::try_from(asked.min(MOST)).unwrap_or(usize::MAX)),
    }
}

/// The refusal of a cursor that no page gave.
pub fn unknown_cursor() -> Problem {
    Problem::invalid("the cursor is none that this list gave: begin again without one")
        .field("cursor")
}

/// The page behind the entry that the cursor names, of a list that is all at hand. `key` names an
/// entry.
pub fn cut<T>(
    all: Vec<T>,
    limit: usize,
    cursor: Option<&str>,
    key: impl Fn(&T) -> String,
) -> Result<Page<T>, Problem> {
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let place = all.iter().position(|entry| key(entry) == cursor);
            place.ok_or_else(unknown_cursor)? + 1
        }
    };
    let more = all.len() > start.saturating_add(limit);
    let items: Vec<T> = all.into_iter().skip(start).take(limit).collect();
    let next = items.last().filter(|_| more).map(key);
    Ok(Page { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_without_gap_or_overlap() {
        let all = || vec!["a", "b", "c"];
        let key = |entry: &&str| (*entry).to_owned();
        let first = cut(all(), 2, None, key).unwrap();
        assert_eq!(
            (first.items, first.next.as_deref()),
            (vec!["a", "b"], Some("b"))
        );
        let second = cut(all(), 2, Some("b"), key).unwrap();
        assert_eq!((second.items, second.next), (vec!["c"], None));
        assert!(cut(all(), 2, Some("z"), key).is_err());
    }

    #[test]
    fn a_page_of_nothing_is_refused_and_one_of_everything_is_cut() {
        assert!(limit(Some(0)).is_err());
        assert_eq!(limit(Some(1_000_000)).unwrap(), 1000);
        assert_eq!(limit(None).unwrap(), 200);
    }
}
