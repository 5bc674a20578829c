//! Pages by key: a list goes on after the last row seen, whatever was added or removed meanwhile. No totals: nobody reads them.

use crate::{
    error::{Error, Refusal},
    kernel::text::{SeasonCode, Uai},
};
use actix_web::error::QueryPayloadError;
use chrono::NaiveDate;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Rows of a page when the caller names no number, and at most.
const LIMIT_DEFAULT: i64 = 20;
const LIMIT_MAX: i64 = 100;

/// What a list is ordered by: its rows' id, rank or national code. A cursor is this key, opaque.
pub trait Key: Sized {
    fn bytes(&self) -> Vec<u8>;
    /// The key of these bytes, checked: a cursor is what a caller sends.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Key for Uuid {
    fn bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

/// The version of a wallet: the rank of a line of its statement.
impl Key for i64 {
    fn bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

/// An instant in microseconds, and an id among those of the same instant.
impl Key for (i64, Uuid) {
    fn bytes(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], self.1.as_bytes()].concat()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (at, id) = bytes.split_at_checked(8)?;
        Some((i64::from_bytes(at)?, Uuid::from_bytes(id.try_into().ok()?)))
    }
}

/// A collège and a day.
impl Key for (Uai, NaiveDate) {
    fn bytes(&self) -> Vec<u8> {
        format!("{}{}", self.0, self.1).into_bytes()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (college, day) = std::str::from_utf8(bytes).ok()?.split_at_checked(8)?;
        Some((college.parse().ok()?, day.parse().ok()?))
    }
}

macro_rules! text_keys {
    ($($name:ident),*) => {$(
        impl Key for $name {
            fn bytes(&self) -> Vec<u8> {
                self.as_str().as_bytes().to_vec()
            }
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                std::str::from_utf8(bytes).ok()?.parse().ok()
            }
        }
    )*};
}
text_keys!(SeasonCode, Uai);

/// Where a list goes on and how far.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` for what follows; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page seen otherwise.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}

/// Query parameters that cannot be read: which one, where the reading says it.
pub fn unreadable_query(error: &QueryPayloadError) -> Error {
    let told = error.to_string();
    let named = |prefix: &str, what: &str| {
        let name = told.split_once(&format!("{prefix} `"))?.1.split('`').next()?;
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        plain.then(|| format!("Le paramètre « {name} » {what}."))
    };
    let because = named("unknown field", "n'est pas connu ici")
        .or_else(|| named("missing field", "est attendu"))
        .or_else(|| named("duplicate field", "est donné deux fois"));
    because.map_or(Error::Refused(Refusal::MalformedQuery), |because| {
        Error::RefusedBecause(Refusal::MalformedQuery, because)
    })
}

impl PageQuery {
    /// The key after which the page begins.
    pub fn after<K: Key>(&self) -> Result<Option<K>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok();
        let key = bytes.and_then(|b| K::from_bytes(&b));
        key.map(Some)
            .ok_or_else(|| Error::RefusedBecause(Refusal::MalformedQuery, "Ce curseur n'est pas lisible.".to_owned()))
    }

    /// Rows the caller wants, within bounds.
    pub fn limit(&self) -> Result<i64, Error> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            _ => Err(Error::RefusedBecause(
                Refusal::MalformedQuery,
                format!("« limit » est un nombre de 1 à {LIMIT_MAX}."),
            )),
        }
    }

    /// Makes a page of `limit + 1` rows asked from the database: the one too many tells that there is more.
    pub fn page<T, K: Key>(&self, mut items: Vec<T>, key: impl Fn(&T) -> K) -> Result<Page<T>, Error> {
        let limit = usize::try_from(self.limit()?).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|item| BASE64URL_NOPAD.encode(&key(item).bytes()));
        Ok(Page { items, next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cursor: Option<String>, limit: Option<i64>) -> PageQuery {
        PageQuery { cursor, limit }
    }

    #[test]
    fn a_cursor_carries_the_key_of_the_last_row() {
        let uais: Vec<Uai> = ["0350003N", "0352958A"].iter().map(|u| u.parse().expect("an UAI")).collect();
        let page = query(None, Some(1)).page(uais.clone(), Uai::clone).expect("a page");
        assert_eq!(page.items, uais[..1]);
        let next = query(page.next_cursor, Some(1));
        assert_eq!(next.after::<Uai>().ok().flatten().as_ref(), uais.first());
        let last = next.page(uais[1..].to_vec(), Uai::clone).expect("a page");
        assert_eq!((last.items.len(), last.next_cursor), (1, None));
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nobody_is_refused() {
        for cursor in ["", "*", "AAAA", "AZrX8z4UdqeGZ3nF8l7xYQ"] {
            let query = query(Some(cursor.to_owned()), None);
            assert_eq!(query.after::<Uai>().map_err(|e| e.refusal()), Err(Refusal::MalformedQuery), "{cursor}");
        }
        assert!(query(Some("AZrX8z4UdqeGZ3nF8l7xYQ".to_owned()), None).after::<Uuid>().is_ok());
    }
}
