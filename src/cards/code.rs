//! The number written on a card: `92-XXXX-XXXX-XXXX-XXXX-K`, the department, 80 random bits and a check character.
//!
//! What would surprise: the check is not ISO 7064. MOD 37,36 lets some exchanges of neighbours through (`0` and `1`, `G` and `H`, …, after certain
//! beginnings) and writes checks in I, L, O and U, which readers confuse. A sum over the field of 32 elements misses none and stays in the alphabet.

pub mod ticket;

use crate::kernel::{crypto, department::Department};
use std::{fmt, str::FromStr};

/// Crockford's base 32: no I, L, O or U, so that nobody has to tell O from 0 or I from 1.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 16 characters of 5 bits hold the 80 bits exactly: one secret has one writing.
const PAYLOAD_CHARS: usize = 16;
/// The last group and the check: enough to tell the card in one's hand from the others of the family.
const LAST_CHARS: usize = 5;
/// Where the sum of a card's check begins.
const CARD: u8 = 0;
/// Nobody writes 19 characters in more bytes than this, whatever spaces he leaves.
const LONGEST_WRITING: usize = 64;

/// A card's number. The 80 bits are a secret: they show in `Display`, which is for the card and its owner, never in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CardCode {
    department: Department,
    secret: [u8; 10],
}

impl CardCode {
    /// A new number of that department, from the system's generator.
    #[must_use]
    pub fn generate(department: Department) -> Self {
        Self::from_parts(department, crypto::random())
    }
    #[must_use]
    pub const fn from_parts(department: Department, secret: [u8; 10]) -> Self {
        Self { department, secret }
    }
    /// The department that issued the card, readable by all: it tells where to look the number up.
    #[must_use]
    pub const fn department(&self) -> Department {
        self.department
    }
    /// The 80 random bits. What is stored is their fingerprint, not these.
    #[must_use]
    pub const fn secret_bytes(&self) -> [u8; 10] {
        self.secret
    }

    /// Whether these are the last five characters of the number, as people read them off a card.
    #[must_use]
    pub fn ends_with(&self, raw: &str) -> bool {
        let text: String = raw.chars().filter(|c| !c.is_whitespace() && *c != '-').map(clear).collect();
        let written = self.to_string().replace('-', "");
        text.len() == LAST_CHARS && written.ends_with(&text)
    }

    /// The secret as values of the alphabet, most significant first.
    fn payload(&self) -> impl Iterator<Item = u8> {
        let number = self.secret.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        (0..PAYLOAD_CHARS).rev().map(move |place| {
            let [.., low] = (number >> (5 * place)).to_be_bytes();
            low & 31
        })
    }

    /// The value that brings the weighted sum of department and payload to zero, begun at `kind`: what is numbered of another kind has
    /// another check.
    fn check(&self, kind: u8) -> u8 {
        let department = self.department.as_str().chars().filter_map(value);
        department.chain(self.payload()).fold(kind, |sum, value| times_two(sum ^ value))
    }

    fn read(raw: &str, kind: u8) -> Option<Self> {
        if raw.len() > LONGEST_WRITING {
            return None;
        }
        let text: String = raw.chars().filter(|c| !c.is_whitespace()).map(clear).collect();
        // Without any dash the length tells where the department ends: it has two characters, or three overseas.
        let (department, rest) = match text.split_once('-') {
            Some(split) => split,
            None => text.split_at_checked(text.len().checked_sub(PAYLOAD_CHARS.saturating_add(1))?)?,
        };
        let values: Vec<u8> = rest.chars().filter(|c| *c != '-').map(value).collect::<Option<_>>()?;
        let (check, payload) = values.split_last().filter(|(_, payload)| payload.len() == PAYLOAD_CHARS)?;
        let number = payload.iter().fold(0_u128, |number, value| (number << 5) | u128::from(*value));
        let [_, _, _, _, _, _, secret @ ..] = number.to_be_bytes();
        let code = Self::from_parts(department.parse().ok()?, secret);
        (code.check(kind) == *check).then_some(code)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, kind: u8) -> fmt::Result {
        write!(f, "{}", self.department)?;
        for (place, value) in self.payload().enumerate() {
            let dash = if place % 4 == 0 { "-" } else { "" };
            write!(f, "{dash}{}", symbol(value))?;
        }
        write!(f, "-{}", symbol(self.check(kind)))
    }
}

/// Twice a value in the field of 32 elements made by x⁵ + x² + 1. Each place of the code weighs twice the next one, and no weight comes
/// back within 31 places: one wrong character, or two exchanged, never leave the sum at zero.
const fn times_two(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 0b10_0000 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

/// What the writer of that character meant.
const fn clear(written: char) -> char {
    match written.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }
}

fn value(symbol: char) -> Option<u8> {
    (0..).zip(ALPHABET).find(|(_, letter)| char::from(**letter) == symbol).map(|(value, _)| value)
}

fn symbol(value: u8) -> char {
    ALPHABET.get(usize::from(value)).copied().map_or('?', char::from)
}

/// Tolerates lower case, spaces, O for 0, I and L for 1, and dashes left out.
impl FromStr for CardCode {
    type Err = String;
    /// One sentence whatever is wrong: it teaches nothing to whoever tries numbers.
    fn from_str(raw: &str) -> Result<Self, String> {
        Self::read(raw, CARD)
            .ok_or_else(|| "ce numéro de carte n'est pas valide : vérifiez chaque caractère".to_owned())
    }
}

impl fmt::Display for CardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, CARD)
    }
}

impl fmt::Debug for CardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardCode({}-***)", self.department)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::{array::uniform10, prelude::*, sample::select};

    /// Any card number of the departments whose codes differ in shape.
    pub fn any_code() -> impl Strategy<Value = CardCode> {
        let departments = select(vec!["92", "78", "01", "11", "2A", "2B", "971", "976"]);
        (departments, uniform10(any::<u8>()))
            .prop_map(|(department, secret)| CardCode::from_parts(department.parse().unwrap(), secret))
    }

    /// The places of the characters that carry meaning; dashes do not.
    fn places(written: &[u8]) -> Vec<usize> {
        (0..written.len()).filter(|place| written[*place] != b'-').collect()
    }

    fn is_refused(written: &[u8]) -> bool {
        std::str::from_utf8(written).unwrap().parse::<CardCode>().is_err()
    }

    /// The checks were worked out apart, as a sum of weights instead of step by step.
    #[test]
    fn a_number_is_written_as_it_always_was() {
        let code = |department: &str, secret| CardCode::from_parts(department.parse().unwrap(), secret);
        let first = code("92", [0, 1, 2, 3, 4, 5, 6, 7, 8, 255]);
        assert_eq!(first.to_string(), "92-000G-40R4-0M30-E27Z-Z");
        assert_eq!(format!("{first:?}"), "CardCode(92-***)");
        assert_eq!(code("2A", [0; 10]).to_string(), "2A-0000-0000-0000-0000-9");
        assert_eq!(code("971", [255; 10]).to_string(), "971-ZZZZ-ZZZZ-ZZZZ-ZZZZ-X");
    }

    #[test]
    fn two_numbers_differ() {
        let department = "78".parse().unwrap();
        assert_ne!(CardCode::generate(department), CardCode::generate(department));
    }

    #[test]
    fn a_careless_hand_is_understood() {
        let code: CardCode = "92-000G-40R4-0M30-E27Z-Z".parse().unwrap();
        for careless in ["92-000g40r40m30e27zz", " 92 - OOOG 4oR4 0M30 E27Z Z ", "92-000G-40R4-0M30-E27ZZ"] {
            assert_eq!(careless.parse(), Ok(code), "{careless}");
        }
        let ones =
            CardCode::from_parts("11".parse().unwrap(), [0x08, 0x42, 0x10, 0x84, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21]);
        let written = ones.to_string();
        assert!(written.starts_with("11-1111-1111-1111-1111-"));
        assert_eq!(written.replace('1', "I").parse(), Ok(ones));
        assert_eq!(written.replace('1', "l").parse(), Ok(ones));
    }

    #[test]
    fn what_is_not_a_number_gets_one_sentence() {
        let wrongs = ["", "-", "92", "920 0G40 R40M 30E2 7ZZ", "92-000G-40R4-0M30-E27Z", "92-000G-40R4-0M30-E27Z-ZZ"];
        let more = [
            "78-000G-40R4-0M30-E27Z-Z",
            "XX-000G-40R4-0M30-E27Z-Z",
            "92-000U-40R4-0M30-E27Z-Z",
            "92-000é-40R4-0M30-E27Z-Z",
        ];
        let sentences: Vec<_> = wrongs.iter().chain(&more).map(|w| w.parse::<CardCode>().unwrap_err()).collect();
        assert!(sentences.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(format!("92-000G-40R4-0M30-E27Z-Z{}", " ".repeat(50)).parse::<CardCode>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(code in any_code()) {
            let written = code.to_string();
            prop_assert_eq!(written.parse(), Ok(code));
            prop_assert_eq!(written.to_lowercase().replace('-', " ").replacen(' ', "-", 1).parse(), Ok(code));
            prop_assert_eq!(written.replace('-', "").parse(), Ok(code));
            let shown = format!("{code:?}");
            prop_assert_eq!(shown, format!("CardCode({}-***)", code.department()));
        }

        #[test]
        fn every_single_wrong_character_is_caught(code in any_code()) {
            let written = code.to_string().into_bytes();
            for place in places(&written) {
                for other in ALPHABET.iter().filter(|letter| **letter != written[place]) {
                    let mut wrong = written.clone();
                    wrong[place] = *other;
                    prop_assert!(is_refused(&wrong), "{}", String::from_utf8_lossy(&wrong));
                }
            }
        }

        #[test]
        fn every_exchange_of_two_characters_is_caught(code in any_code()) {
            let written = code.to_string().into_bytes();
            let places = places(&written);
            for (index, first) in places.iter().enumerate() {
                for second in &places[index..] {
                    let mut wrong = written.clone();
                    wrong.swap(*first, *second);
                    prop_assert!(wrong == written || is_refused(&wrong), "{}", String::from_utf8_lossy(&wrong));
                }
            }
        }

        #[test]
        fn no_text_panics_the_reader(raw in "\\PC{0,70}", tail in "92-[0-9a-zA-Z -]{0,40}") {
            let _ = raw.parse::<CardCode>();
            let _ = tail.parse::<CardCode>();
        }
    }
}
