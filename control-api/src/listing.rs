//! Lists in pages: what a request says of its page, and how a page is cut.
//!
//! Each list orders its items by a key; `cursor` carries the key of the last item shown, so that pages neither
//! skip nor repeat what stays while others come and go.

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use fleet::UtcMicros;
use sdk::Page;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::IntoParams;

use crate::convert::moment;
use crate::cursor;
use crate::error::ApiError;
use crate::extract::bad_query;
use crate::sql::{SqlRow, text, time_literal};

/// Longest page of a list, and the one that a request without `limit` gets.
const LEN_MAX: usize = 500;
const LEN_DEFAULT: usize = 100;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// How many, 1 to 500; 100 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A list that has no filter.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Everything {}

/// A request for a page of a list: its filter `F`, and the key `K` of the item before it.
#[derive(Debug)]
pub(crate) struct Listing<F, K> {
    pub(crate) filter: F,
    pub(crate) after: Option<K>,
    /// 1 to 500.
    pub(crate) limit: usize,
}

impl<S: Send + Sync, F: DeserializeOwned, K: DeserializeOwned> FromRequestParts<S>
    for Listing<F, K>
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl<F: DeserializeOwned, K: DeserializeOwned> Listing<F, K> {
    /// Reads a query string. The two parts are read apart, so that a filter can refuse what it does not know.
    fn read(query: &str) -> Result<Self, ApiError> {
        let of_page = |pair: &&str| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            matches!(name, "limit" | "cursor")
        };
        let (page, filter): (Vec<_>, Vec<_>) = query.split('&').partition(of_page);
        let page: PageParams = parse(&page)?;
        Ok(Self {
            filter: parse(&filter)?,
            after: cursor::decode(page.cursor.as_deref())?,
            limit: page_len(page.limit)?,
        })
    }
}

fn parse<T: DeserializeOwned>(pairs: &[&str]) -> Result<T, ApiError> {
    let uri = format!("/?{}", pairs.join("&"));
    let uri: Uri = uri
        .parse()
        .map_err(|_| ApiError::BadParameter("the query is none of a URL".into()))?;
    Query::try_from_uri(&uri)
        .map(|Query(params)| params)
        .map_err(|rejection| bad_query(&rejection))
}

fn page_len(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit {
        None => Ok(LEN_DEFAULT),
        Some(limit) if (1..=LEN_MAX).contains(&limit) => Ok(limit),
        Some(limit) => Err(ApiError::BadParameter(format!(
            "limit is {limit}, expected 1 to {LEN_MAX}"
        ))),
    }
}

/// A page as the data plane cuts it.
pub(crate) fn page<T, C, I>(
    page: dataplane::Page<T, C>,
    item: impl Fn(T) -> I,
    key: impl Fn(&C) -> String,
) -> Page<I> {
    Page {
        next_cursor: page.next.map(|next| cursor::encode(&key(&next))),
        items: page.items.into_iter().map(item).collect(),
    }
}

/// A page of rows, of which the query asked for one more than `limit` to see whether there is another page.
pub(crate) fn page_of_rows<I, K: Serialize>(
    rows: &[SqlRow],
    limit: usize,
    item: impl Fn(&SqlRow) -> Result<I, ApiError>,
    key: impl Fn(&SqlRow) -> Option<K>,
) -> Result<Page<I>, ApiError> {
    let last = rows.get(limit - 1).filter(|_| limit < rows.len());
    Ok(Page {
        next_cursor: last.and_then(key).map(|key| cursor::encode(&key)),
        items: rows
            .iter()
            .take(limit)
            .map(item)
            .collect::<Result<_, _>>()?,
    })
}

/// A time of a row, as a cursor carries it. What is none is no cursor, and never reaches a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) UtcMicros);

impl At {
    /// The time in a column.
    pub(crate) fn of(row: &SqlRow, column: &str) -> Option<Self> {
        moment(&text(row, column)?).ok().map(Self)
    }

    pub(crate) fn literal(self) -> String {
        time_literal(self.0)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        moment(&text).map(Self).map_err(D::Error::custom)
    }
}

/// The key of lists of events, newest first: when, and the name of the event.
pub(crate) type EventKey = (At, i64, i64);

/// The order of such a list, and the condition under which it goes on behind an event.
pub(crate) const NEWEST_FIRST: &str = "received_at DESC, log_id DESC, seq DESC";

/// As above.
pub(crate) fn behind((at, log, seq): &EventKey) -> String {
    let at = at.literal();
    format!(
        "(received_at < {at} OR (received_at = {at} AND (log_id < {log} OR (log_id = {log} AND seq < {seq}))))"
    )
}

/// The key of a row of such a list.
pub(crate) fn event_key(row: &SqlRow) -> Option<EventKey> {
    Some((
        At::of(row, "received_at")?,
        text(row, "log_id")?.parse().ok()?,
        text(row, "seq")?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        name: Option<String>,
    }

    #[test]
    fn a_page_has_one_to_500_items() {
        for (limit, expected) in [
            (None, Some(100)),
            (Some(1), Some(1)),
            (Some(500), Some(500)),
            (Some(0), None),
            (Some(501), None),
        ] {
            assert_eq!(page_len(limit).ok(), expected, "{limit:?}");
        }
    }

    #[test]
    fn page_and_filter_are_read_apart_and_neither_takes_what_it_does_not_know() {
        let check = |query: &str, expected: &str| {
            let found = match Listing::<Filter, String>::read(query) {
                Ok(listing) => format!(
                    "{:?} {:?} {}",
                    listing.filter.name, listing.after, listing.limit
                ),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(expected), "{query}: {found}");
        };
        check("", "None None 100");
        check("name=a%26b&limit=7", "Some(\"a&b\") None 7");
        check(
            &format!("cursor={}&name=a", cursor::encode(&"CP1")),
            "Some(\"a\") Some(\"CP1\") 100",
        );
        check("limit=many", "invalid digit");
        check("limit=501", "limit is 501, expected 1 to 500");
        check("cursor=%00", "cursor is none that a list returned");
        check("nmae=a", "unknown field `nmae`");
        check("name=a&name=b", "duplicate field `name`");
        check("limit=1&limit=2", "duplicate field `limit`");
        assert!(Listing::<Everything, String>::read("name=a").is_err());
        assert!(Listing::<Everything, String>::read("limit=1").is_ok());
    }

    #[test]
    fn a_cursor_that_was_tampered_with_never_reaches_a_query() {
        let read = |key: serde_json::Value| {
            let cursor = format!("cursor={}", cursor::encode(&key));
            Listing::<Everything, EventKey>::read(&cursor).map(|listing| listing.after)
        };
        let key = (At(UtcMicros(1_700_000_000_123_456)), 7, 9);
        let shown = serde_json::json!(["2023-11-14T22:13:20.123456Z", 7, 9]);
        assert_eq!(serde_json::to_value(key).unwrap(), shown);
        assert_eq!(read(shown).ok(), Some(Some(key)));
        for key in [
            serde_json::json!(["", 7, 9]),
            serde_json::json!(["never", 7, 9]),
            serde_json::json!(["9999999-11-22T10:41:49.123Z", 7, 9]),
            serde_json::json!(["2026-11-22T10:41:49.123Z'; --", 7, 9]),
            serde_json::json!(["2026-11-22T10:41:49.123Z", 7.5, 9]),
            serde_json::json!("CP1"),
        ] {
            let error = read(key.clone()).unwrap_err().to_string();
            assert_eq!(error, "cursor is none that a list returned", "{key}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let rows: Vec<SqlRow> = (0..3).map(|_| SqlRow::default()).collect();
        let cut = |limit| page_of_rows(&rows, limit, |_| Ok(()), |_| Some("key")).unwrap();
        let (two, three) = (cut(2), cut(3));
        assert_eq!((two.items.len(), two.next_cursor.is_some()), (2, true));
        assert_eq!((three.items.len(), three.next_cursor.is_some()), (3, false));
    }
}
