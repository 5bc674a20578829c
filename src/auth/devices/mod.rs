//! Tills and servers of merchants, gates and kitchens of the canteen: one-time enrolment, then tokens for a signed assertion (RFC 7523). No shared secret exists.

pub mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::{actor::Identity, throttles, tokens},
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{
        actor::Caller,
        age::Recipient,
        crypto::{random, sha256},
        ids::DeviceId,
        text::Secret,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// An assertion may live that long at most: its identifier is kept as long.
const ASSERTION_TTL_MAX: TimeDelta = TimeDelta::minutes(5);
/// Clocks of tills wander.
const CLOCK_SLACK_SECONDS: i64 = 60;
const ASSERTION_MAX_BYTES: usize = 2048;
/// An enrolment code reaches the counter or the kitchen by letter or telephone.
const CODE_TTL: TimeDelta = TimeDelta::days(7);
/// Unknown cards within an hour after which a device is suspended: nobody mistypes that often.
const BAD_CODES_MAX: i32 = 20;
const BAD_CODES_WINDOW: TimeDelta = TimeDelta::hours(1);

text_enum! {
    /// Where a device stands.
    pub enum DeviceState {
        /// Its one-time code is given, its key not yet.
        Invited = "invited",
        Active = "active",
        /// Stopped by itself after too many unknown cards; an agent may let it go on.
        Suspended = "suspended",
        /// Never again: another device takes its place.
        Revoked = "revoked",
    }
}

/// What a device's place is claimed with. It is shown once: only its hash is kept.
#[derive(Debug)]
pub struct EnrolmentCode {
    pub code: String,
    pub expires_at: DateTime<Utc>,
}

/// Who speaks through these devices now; nobody through one that is suspended or revoked.
pub fn identities(tx: &mut DirectoryTx<'_>, devices: &[DeviceId]) -> Result<Vec<(DeviceId, Identity)>, Error> {
    let identity =
        |row: db::ActiveDevice| row.actor().map(|actor| (row.id, Identity { actor, session: None, factor_at: None }));
    Ok(db::active_devices(tx, devices)?.into_iter().filter_map(identity).collect())
}

/// Opens the place just made for a device to whoever brings the one-time code.
pub fn open_enrolment(tx: &mut DirectoryTx<'_>, device: DeviceId) -> Result<EnrolmentCode, Error> {
    let now = tx.now()?;
    let expires_at = now.checked_add_signed(CODE_TTL).unwrap_or(now);
    let code = new_code();
    db::open_enrolment(tx, device, &code_hash(&code), expires_at)?;
    Ok(EnrolmentCode { code, expires_at })
}

/// Takes a device's access back, for good and from its next request on. A code not yet used is dead with its place.
pub fn revoke(tx: &mut DirectoryTx<'_>, device: DeviceId) -> Result<(), Error> {
    let now = tx.now()?;
    if db::revoke(tx, device, now)? { Ok(()) } else { Err(Error::Refused(Refusal::DeviceTransition)) }
}

/// A one-time enrolment code: 80 random bits, in groups that a human can type.
fn new_code() -> String {
    let text = BASE32_NOPAD.encode(&random::<10>());
    let groups: Vec<String> = text.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// What is kept of an enrolment code, however it was typed: in lower case, with other dashes or spaces.
fn code_hash(typed: &str) -> Vec<u8> {
    let meant: String = typed.chars().filter(|c| *c != '-' && !c.is_whitespace()).collect();
    sha256(meant.to_uppercase().as_bytes())
}

/// Binds a device's own public key (32 bytes, base64url) to the place its one-time code was made for. A gate also brings the public key
/// that its lists are encrypted to.
pub async fn enrol(
    app: &App,
    caller: &Caller,
    code: Secret,
    public_key: &str,
    recipient: Option<String>,
) -> Result<DeviceId, Error> {
    if let Some(Err(reason)) = recipient.as_deref().map(str::parse::<Recipient>) {
        return Err(Error::field("/recipient", reason));
    }
    let public_key = BASE64URL_NOPAD.decode(public_key.as_bytes()).ok().filter(|key| key.len() == 32);
    let public_key = public_key.ok_or_else(|| {
        Error::field("/public_key", "une clé publique Ed25519 de 32 octets en base64url est attendue")
    })?;
    app.db.directory_write(caller, |tx| throttles::count_address(tx, throttles::LINK_ADDRESS)).await??;
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            let device = db::take_enrolment(tx, &code_hash(code.as_str()), &public_key, recipient.as_deref(), now)?
                .ok_or(Error::Refused(Refusal::InvalidLink))?;
            audit::record(tx, "device_enrolled", ("device", device), json!({}))?;
            Ok(device)
        })
        .await
}

#[derive(Deserialize)]
struct Assertion {
    sub: Uuid,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

/// Where assertions are addressed: the token endpoint.
pub fn audience(app: &App) -> String {
    format!("{}/v1/oauth/token", app.public_url)
}

/// Exchanges a device's signed assertion for an access token of five minutes.
pub async fn token(app: &App, caller: &Caller, assertion: &str) -> Result<String, Error> {
    let wrong = || Error::Refused(Refusal::WrongAssertion);
    if assertion.len() > ASSERTION_MAX_BYTES {
        return Err(wrong());
    }
    app.db.directory_write(caller, |tx| throttles::count_address(tx, throttles::SIGN_IN_ADDRESS)).await??;
    let header = decode_header(assertion).map_err(|_| wrong())?;
    if header.alg != Algorithm::EdDSA
        || header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        // RFC 7515, 4.1.11: what must be understood and is not, is refused.
        || header.crit.is_some()
    {
        return Err(wrong());
    }
    // Not yet believed: it only tells which key must have signed.
    let claimed = unverified_subject(assertion).ok_or_else(wrong)?;
    let device = DeviceId::from_uuid(claimed);
    let key = app.db.directory_glance(caller, move |tx| db::active_key(tx, device)).await?.ok_or_else(wrong)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&[audience(app)]);
    validation.set_issuer(&[device.to_string()]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    let claims =
        decode::<Assertion>(assertion, &DecodingKey::from_ed_der(&key), &validation).map_err(|_| wrong())?.claims;
    let now = app.db.server_now().timestamp();
    let latest = now.saturating_add(ASSERTION_TTL_MAX.num_seconds()).saturating_add(CLOCK_SLACK_SECONDS);
    let early = [claims.iat, claims.nbf].into_iter().flatten().any(|at| at > now.saturating_add(CLOCK_SLACK_SECONDS));
    if claims.sub != claimed
        || claims.exp <= now
        || claims.exp > latest
        || early
        || claims.jti.is_empty()
        || claims.jti.len() > 128
    {
        return Err(wrong());
    }
    let expires_at = DateTime::<Utc>::from_timestamp(claims.exp, 0).ok_or_else(wrong)?;
    let fresh =
        app.db.directory_write(caller, move |tx| db::use_assertion(tx, device, &claims.jti, expires_at)).await?;
    if !fresh {
        return Err(wrong());
    }
    tokens::issue(app, tokens::Bearer::Device(device)).await
}

fn unverified_subject(assertion: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Subject {
        sub: Uuid,
    }
    let payload = BASE64URL_NOPAD.decode(assertion.split('.').nth(1)?.as_bytes()).ok()?;
    serde_json::from_slice::<Subject>(&payload).ok().map(|claims| claims.sub)
}

/// Counts a card code that is nobody's; the twentieth within an hour suspends the device. Returns whether it is suspended now.
pub fn count_bad_code(tx: &mut DirectoryTx<'_>, device: DeviceId) -> Result<bool, Error> {
    let now = tx.now()?;
    let since = now.checked_sub_signed(BAD_CODES_WINDOW).unwrap_or(now);
    let suspended = db::count_bad_code(tx, device, now, since, BAD_CODES_MAX)?;
    if suspended {
        audit::record(tx, "device_suspended", ("device", device), json!({ "because": "unknown_cards" }))?;
    }
    Ok(suspended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = new_code();
        assert_eq!(code.len(), 19);
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4]);
        assert_ne!(code, new_code());
        for typed in [code.to_lowercase(), code.replace('-', ""), format!(" {} ", code.replace('-', " "))] {
            assert_eq!(code_hash(&typed), code_hash(&code), "{typed}");
        }
    }
}
