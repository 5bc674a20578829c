//! Passwords: strong enough by the CNIL's rules (deliberation 2022-100), kept as argon2id, compared in a bounded gate.

use crate::{
    app::App,
    error::{Error, Refusal},
    kernel::text::{Secret, Sensitive},
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// 19 MiB, two passes, one lane: OWASP's minimum for argon2id, about 30 ms of one core.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Longer inputs only cost time.
const PASSWORD_MAX_CHARS: usize = 128;

/// A password strong enough to be kept.
#[derive(Debug, Clone)]
pub struct NewPassword(Sensitive<String>);

impl TryFrom<&Secret> for NewPassword {
    type Error = Error;

    /// Twelve characters of four classes, fourteen of three, or a phrase of seven words.
    fn try_from(secret: &Secret) -> Result<Self, Error> {
        let text = secret.as_str();
        let length = text.chars().count();
        let classes = [
            text.chars().any(char::is_lowercase),
            text.chars().any(char::is_uppercase),
            text.chars().any(char::is_numeric),
            text.chars().any(|c| !c.is_alphanumeric()),
        ];
        let classes = classes.iter().filter(|present| **present).count();
        let mut words: Vec<&str> = text.split_whitespace().filter(|word| word.chars().count() >= 2).collect();
        words.sort_unstable();
        words.dedup();
        let mut distinct: Vec<char> = text.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let strong = (length >= 12 && classes == 4) || (length >= 14 && classes >= 3) || words.len() >= 7;
        // "Aa1!Aa1!Aa1!" has four classes and no strength.
        if strong && length <= PASSWORD_MAX_CHARS && distinct.len() >= 8 {
            Ok(Self(Sensitive::new(text.to_owned())))
        } else {
            Err(Refusal::WeakPassword.into())
        }
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The text to keep.
pub async fn hash(app: &App, password: NewPassword) -> Result<String, Error> {
    app.passwords
        .run(move || {
            let hash: PasswordHash = argon2()?
                .hash_password(password.0.expose().as_bytes())
                .map_err(|error| Error::internal(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await?
}

/// Whether `given` is the password kept as `hash`. Without a hash it works as long for a sure no: an unknown account answers like a
/// known one.
pub async fn verify(app: &App, given: &Secret, hash: Option<String>) -> Result<bool, Error> {
    // The hash of nothing anybody knows, with the same parameters.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$ZG9lcyBub3QgbWF0dGVyIQ$WbYl2v9yVnXVtb1gyVJHfSv4Oy7cZGjqVW0xnG8nV2E";
    let given = Sensitive::new(given.as_str().chars().take(PASSWORD_MAX_CHARS.saturating_add(1)).collect::<String>());
    app.passwords
        .run(move || {
            let known = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))
                .map_err(|error| Error::internal(error.to_string()))?;
            Ok(argon2()?.verify_password(given.expose().as_bytes(), &hash).is_ok() && known)
        })
        .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_strong(text: &str) -> bool {
        Secret::try_from(text.to_owned()).is_ok_and(|secret| NewPassword::try_from(&secret).is_ok())
    }

    #[test]
    fn strength_follows_the_three_ways() {
        assert!(is_strong("Caf3-du-Port"));
        assert!(is_strong("cafe-du-port-33"));
        assert!(is_strong("sept petits canards vont boire au lac bleu"));
        for weak in [
            "",
            "azerty",
            "Azerty12345",
            "cafe-du-port-ab",
            "motdepassetreslong",
            "un deux un deux un deux un",
            "Aa1!Aa1!Aa1!",
        ] {
            assert!(!is_strong(weak), "{weak}");
        }
    }
}
