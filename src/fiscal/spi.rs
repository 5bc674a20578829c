//! The tax number, which lives for the time of a question: no copy, no writing, no trace.

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

const DIGITS: usize = 13;
const EXPECTED: &str = "un numéro fiscal de 13 chiffres est attendu";

/// A person's tax number (*numéro fiscal*, SPI): thirteen digits, overwritten when it is let go. It is read and never written: no `Clone`, no
/// `Serialize`, a `Debug` that tells nothing, errors that repeat nothing.
pub struct Spi(Zeroizing<String>);

impl Spi {
    /// For the address of the question, and to be compared.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl FromStr for Spi {
    type Err = String;
    /// Spaces between the digits are how the notices print it.
    fn from_str(text: &str) -> Result<Self, String> {
        // Room for all at once: a text that grows leaves copies behind.
        let mut digits = Zeroizing::new(String::with_capacity(DIGITS));
        for c in text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}')) {
            if !c.is_ascii_digit() || digits.len() == DIGITS {
                return Err(EXPECTED.to_owned());
            }
            digits.push(c);
        }
        if digits.len() == DIGITS { Ok(Self(digits)) } else { Err(EXPECTED.to_owned()) }
    }
}

impl fmt::Debug for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Spi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

/// Serde's own words for a wrong type repeat the value: each kind that could hold the number has words of its own here.
struct Read;

impl Visitor<'_> for Read {
    type Value = Spi;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Spi, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_string<E: de::Error>(self, text: String) -> Result<Spi, E> {
        self.visit_str(&Zeroizing::new(text))
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Spi, E> {
        Err(E::custom(EXPECTED))
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Spi, E> {
        Err(E::custom(EXPECTED))
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Spi, E> {
        Err(E::custom(EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CANARY: &str = "3070812345678";

    #[test]
    fn thirteen_digits_are_a_tax_number_however_they_are_spaced() {
        for text in [CANARY, "30 70 812 345 678", "30\u{a0}70\u{202f}812345678"] {
            assert_eq!(text.parse::<Spi>().unwrap().expose(), CANARY);
        }
        for wrong in
            ["", "307081234567", "30708123456780", "307081234567A", "٣070812345678", "-070812345678", "3070812345678\n"]
        {
            assert_eq!(wrong.parse::<Spi>().unwrap_err(), EXPECTED);
        }
        let read = serde_json::from_str::<Spi>(&format!("\"{CANARY}\"")).unwrap();
        assert!(read.is(&CANARY.parse().unwrap()) && !read.is(&"3070812345679".parse().unwrap()));
    }

    #[test]
    fn it_is_never_written() {
        trait Unwritten<A> {
            fn holds() {}
        }
        impl<T> Unwritten<()> for T {}
        impl<T: serde::Serialize> Unwritten<u8> for T {}
        impl<T: Clone> Unwritten<u16> for T {}
        impl<T: fmt::Display> Unwritten<u32> for T {}
        // Would not compile, being ambiguous, if one of the three held.
        <Spi as Unwritten<_>>::holds();
        let spi: Spi = CANARY.parse().unwrap();
        assert_eq!(format!("{spi:?} {spi:#?}"), "*** ***");
    }

    proptest! {
        #[test]
        fn no_error_repeats_what_was_given(text in ".*", number in 1_000_000_000_000_u64..) {
            for json in [json(&text), number.to_string(), format!("-{number}"), format!("{number}.5"), format!("[{number}]"),
                         format!("{{\"spi\": {number}}}"), format!("\"{number}a\""), number.to_string()[..12].to_owned()] {
                if let Err(error) = serde_json::from_str::<Spi>(&json) {
                    let (told, given) = (format!("{error} {error:?}"), number.to_string());
                    prop_assert!(!told.contains(&given[..12]), "{}", told);
                }
            }
            if let Err(error) = text.parse::<Spi>() {
                prop_assert_eq!(error, EXPECTED);
            }
        }
    }

    fn json(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }
}
