//! How API Particulier says that it does not answer.

use chrono::TimeDelta;
use serde::Deserialize;

#[derive(Deserialize)]
struct Problems {
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
pub struct Problem {
    pub code: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    retry_in: Option<u32>,
}

impl Problem {
    /// The first problem of an answer, if it is one.
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Problems>(body).ok()?.errors.into_iter().next()
    }

    /// How long the provider will be down, as far as it knows.
    pub fn retry_in(&self) -> Option<TimeDelta> {
        TimeDelta::try_seconds(self.meta.as_ref()?.retry_in?.into())
    }
}

/// An administration's code as logs and traces keep it; anything but a plain code is not kept.
pub fn plain_code(code: &str) -> Option<String> {
    (code.len() <= 10 && code.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| code.to_owned())
}
