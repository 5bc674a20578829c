//! The second factor of staff: time codes (RFC 6238) that serve once, and recovery codes for a lost telephone.

use super::db::{self, AccountRow};
use crate::{
    audit,
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{
        crypto::{MasterKey, random, sha256},
        ids::AccountId,
        text::{Email, Secret, Sensitive},
    },
};
use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use serde_json::json;
use totp_rs::{Builder, Totp};

/// Shown by authenticator applications.
const ISSUER: &str = "Pass+";
/// Purpose under which secrets are sealed.
const SEALED_AS: &str = "totp";
/// Codes given at enrolment, ten characters (50 bits) each: guessing is throttled like passwords.
pub const RECOVERY_CODES: usize = 10;

/// A fresh secret: what is kept, and what the person enters in his application.
pub struct NewFactor {
    pub sealed: Vec<u8>,
    pub otpauth_uri: Sensitive<String>,
    pub secret_base32: Sensitive<String>,
}

fn totp(secret: &[u8], account_name: &str) -> Result<Totp, Error> {
    Builder::new()
        .with_secret(secret)
        .with_account_name(account_name)
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|error| Error::internal(error.to_string()))
}

/// Makes a secret for `account`.
pub fn generate(key: &MasterKey, account: AccountId, email: &Email) -> Result<NewFactor, Error> {
    let secret = random::<20>();
    let uri = totp(&secret, email.as_str())?.to_url().map_err(|error| Error::internal(error.to_string()))?;
    Ok(NewFactor {
        sealed: key.seal(SEALED_AS, account.uuid().as_bytes(), &secret).map_err(Error::internal)?,
        otpauth_uri: Sensitive::new(uri),
        secret_base32: Sensitive::new(BASE32_NOPAD.encode(&secret)),
    })
}

/// Fresh recovery codes, to be shown once.
pub fn generate_recovery_codes() -> Vec<String> {
    let code = || BASE32_NOPAD.encode(&random::<7>()).chars().take(10).collect::<String>().to_lowercase();
    std::iter::repeat_with(code).take(RECOVERY_CODES).collect()
}

/// What is kept of a recovery code: a keyed fingerprint, for fifty bits alone could be searched.
pub fn recovery_hash(key: &MasterKey, account: AccountId, code: &str) -> Vec<u8> {
    key.fingerprint("recovery-code", &sha256(format!("{account}:{}", code.to_lowercase()).as_bytes()))
}

/// Accepts `code` as this account's second factor, once. Families have none: `None`. Returns when it was shown.
pub fn require(
    tx: &mut DirectoryTx<'_>,
    account: &AccountRow,
    code: Option<&Secret>,
) -> Result<Option<DateTime<Utc>>, Error> {
    if !account.is_staff() {
        return Ok(None);
    }
    let now = tx.now()?;
    let code = code.ok_or(Error::Refused(Refusal::SecondFactorRequired))?;
    let digits: String = code.as_str().chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let sealed = account.totp_sealed.as_ref().ok_or(Error::Refused(Refusal::SecondFactorRequired))?;
    let secret = tx.key.open(SEALED_AS, account.id.uuid().as_bytes(), sealed).map_err(Error::internal)?;
    let seconds = u64::try_from(now.timestamp()).map_err(Error::internal)?;
    let step = totp(&secret, account.email.as_str())?.check(&digits, seconds);
    let accepted = if let Some(step) = step {
        db::take_totp_step(tx, account.id, i64::try_from(step).map_err(Error::internal)?, now)?
    } else {
        let hash = recovery_hash(tx.key, account.id, &digits);
        let taken = db::take_recovery_code(tx, account.id, &hash, now)?;
        if taken {
            audit::record(tx, "recovery_code_used", ("account", account.id), json!({}))?;
        }
        taken
    };
    if accepted { Ok(Some(now)) } else { Err(Refusal::WrongSecondFactor.into()) }
}
