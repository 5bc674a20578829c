//! JSON bodies: bounded, typed, and refused with the place and the reason in French.

use crate::error::{Error, FieldError, Refusal};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use serde::de::{DeserializeOwned, IgnoredAny};
use std::{future::Future, pin::Pin};
use zeroize::Zeroize as _;

/// No JSON body of the API needs more: 100 refusals with the longest notes take about 150 kB.
pub const JSON_MAX_BYTES: usize = 256 * 1024;

/// A checked JSON body. It comes after `By<…>` among a handler's arguments, so a wrong caller never gets his body read.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T> std::ops::Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request.content_type().eq_ignore_ascii_case("application/json");
        let payload = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            if !is_json {
                return Err(Refusal::UnsupportedMediaType.into());
            }
            let payload = payload.map_err(|_| Error::Refused(Refusal::MalformedBody))?;
            let bytes = read(payload, JSON_MAX_BYTES).await?;
            let parsed = parse(&bytes).map(Self);
            wipe(bytes);
            parsed
        })
    }
}

/// Reads a body up to `max_bytes`; beyond, nothing more is taken in.
pub async fn read(payload: web::Payload, max_bytes: usize) -> Result<web::Bytes, Error> {
    let read = payload.to_bytes_limited(max_bytes).await;
    read.map_err(|_| Error::Refused(Refusal::BodyTooLarge))?.map_err(|_| Error::Refused(Refusal::MalformedBody))
}

/// Overwrites a body that was read: passwords, tax numbers and incomes come this way. What remains is out of our reach: the buffers of the
/// connection (the server's and the kernel's, which its next bytes overwrite), the halves of a body that grew while it was read, and a
/// text that was written with escapes, which the parser unfolds for itself.
fn wipe(bytes: web::Bytes) -> Option<web::BytesMut> {
    // Nobody else holds a body that was read to its end.
    let mut bytes = bytes.try_into_mut().ok()?;
    bytes.as_mut().zeroize();
    Some(bytes)
}

/// Parses one JSON document; the error names the field by JSON pointer.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        // serde_json takes a wrong type where a word of a list is expected for bad syntax, and says no more than that.
        let may_be_type = error.inner().to_string().starts_with("expected value");
        let is_json = error.inner().is_data() || (may_be_type && serde_json::from_slice::<IgnoredAny>(bytes).is_ok());
        explain(error.inner(), pointer, is_json)
    })?;
    reader.end().map_err(|_| Error::Refused(Refusal::MalformedBody))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// serde speaks English: its few sentences about shape are said again in French, ours pass as they are.
fn explain(error: &serde_json::Error, pointer: String, is_json: bool) -> Error {
    if !is_json {
        return Refusal::MalformedBody.into();
    }
    let full = error.to_string();
    let said = full.rsplit_once(" at line ").map_or(full.as_str(), |(said, _)| said);
    let quoted = said.split('`').nth(1).unwrap_or_default();
    let (pointer, detail) = if said.starts_with("unknown field") {
        (pointer, format!("champ inconnu : {quoted}"))
    } else if said.starts_with("missing field") {
        (format!("{pointer}/{quoted}"), "champ obligatoire".to_owned())
    } else if said.starts_with("duplicate field") {
        (format!("{pointer}/{quoted}"), format!("champ répété : {quoted}"))
    } else if said.starts_with("unknown variant") {
        let known: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
        (pointer, format!("valeur non admise ; valeurs possibles : {}", known.join(", ")))
    } else if [
        "invalid type",
        "invalid value",
        "invalid length",
        "premature",
        "trailing",
        "input",
        "UUID",
        "number",
        "expected",
    ]
    .iter()
    .any(|start| said.starts_with(start))
    {
        (pointer, "valeur d'un type ou d'une forme inattendus".to_owned())
    } else {
        (pointer, said.to_owned())
    };
    Error::Fields(Refusal::InvalidFields, vec![FieldError { pointer, detail }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{money::Amount, text::Name, words::WalletKind};

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde only")]
    struct Sample {
        name: Name,
        amount_cents: Amount,
        wallet_kind: Option<WalletKind>,
    }

    fn refused(body: &str) -> (Refusal, Vec<(String, String)>) {
        let error = parse::<Sample>(body.as_bytes()).unwrap_err();
        let fields = error.problem().errors.into_iter().map(|e| (e.pointer, e.detail)).collect();
        (error.refusal(), fields)
    }

    #[test]
    fn the_field_at_fault_is_named_in_french() {
        let (refusal, fields) = refused(r#"{"name":"A","amount_cents":0}"#);
        assert_eq!(refusal, Refusal::InvalidFields);
        assert_eq!(fields, [("/amount_cents".into(), "un montant entre 1 et 100000 centimes est attendu".into())]);
        assert_eq!(refused(r#"{"name":"A"}"#).1, [("/amount_cents".into(), "champ obligatoire".into())]);
        assert_eq!(refused(r#"{"name":"A","amount_cents":1,"x":2}"#).1, [("/x".into(), "champ inconnu : x".into())]);
        assert_eq!(refused(r#"{"name":4,"amount_cents":1}"#).1[0].0, "/name");
        let unexpected = "valeur d'un type ou d'une forme inattendus".to_owned();
        for wrong in ["4", "[]", "{}", "true", "4.5"] {
            let body = format!(r#"{{"name":"A","amount_cents":1,"wallet_kind":{wrong}}}"#);
            assert_eq!(
                refused(&body),
                (Refusal::InvalidFields, vec![("/wallet_kind".into(), unexpected.clone())]),
                "{wrong}"
            );
        }
    }

    #[actix_web::test]
    async fn a_body_is_overwritten_once_it_was_read() {
        for length in [1, 40_000] {
            let text = "3".repeat(length);
            let sent = actix_web::test::TestRequest::default().set_payload(text.clone());
            let (request, mut payload) = sent.to_http_parts();
            let payload = web::Payload::from_request(&request, &mut payload).into_inner().unwrap();
            let bytes = read(payload, JSON_MAX_BYTES).await.unwrap();
            assert_eq!(bytes, text);
            let wiped = wipe(bytes).expect("nobody else holds it");
            assert!(wiped.len() == length && wiped.iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in [
            "",
            "{",
            "nul",
            "{\"wallet_kind\":nul}",
            "{\"name\":\"A\",\"amount_cents\":1}x",
            "\u{feff}{}",
            r#"{"name":"\ud800"}"#,
        ] {
            assert_eq!(refused(body).0, Refusal::MalformedBody, "{body}");
        }
    }
}
