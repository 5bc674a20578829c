//! Pages by key: a list goes on after the last row seen, whatever was added or removed meanwhile. No totals: nobody reads them.

use crate::error::{Error, Refusal};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Rows of a page when the caller names no number, and at most.
const LIMIT_DEFAULT: i64 = 20;
const LIMIT_MAX: i64 = 100;

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

impl PageQuery {
    /// The id after which the page begins.
    pub fn after(&self) -> Result<Option<Uuid>, Error> {
        let Some(bytes) = self.after_bytes()? else { return Ok(None) };
        Uuid::from_slice(&bytes).map(Some).map_err(|_| unreadable_cursor())
    }

    /// The key after which the page begins, for lists that go by another key than an id.
    pub fn after_bytes(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        BASE64URL_NOPAD.decode(cursor.as_bytes()).map(Some).map_err(|_| unreadable_cursor())
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
    pub fn page<T>(&self, items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Result<Page<T>, Error> {
        self.page_by(items, |item| id(item).into_bytes())
    }

    /// The same for a list that goes by another key.
    pub fn page_by<T, K: AsRef<[u8]>>(&self, mut items: Vec<T>, key: impl Fn(&T) -> K) -> Result<Page<T>, Error> {
        let limit = usize::try_from(self.limit()?).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|item| BASE64URL_NOPAD.encode(key(item).as_ref()));
        Ok(Page { items, next_cursor })
    }
}

/// A cursor that is none of ours, or of another list.
pub fn unreadable_cursor() -> Error {
    Error::RefusedBecause(Refusal::MalformedQuery, "Ce curseur n'est pas lisible.".to_owned())
}
