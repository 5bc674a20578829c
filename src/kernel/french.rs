//! What French asks of a sentence that is put together: `d'octobre` and `de mai`, `1,5 part` and `2 parts`.

use rust_decimal::Decimal;

/// `de` before a word, elided where it begins with a vowel.
#[must_use]
pub fn of(word: &str) -> String {
    const VOWELS: &str = "aeiouyàâéèêëîïôùûœAEIOUYÀÂÉÈÊËÎÏÔÙÛŒ";
    if word.starts_with(|first| VOWELS.contains(first)) { format!("d'{word}") } else { format!("de {word}") }
}

/// A noun whose plural takes an `s`, after that number: plural from two on.
#[must_use]
pub fn counted(number: Decimal, noun: &str) -> String {
    if number.abs() < Decimal::TWO { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::month::Month;

    #[test]
    fn a_vowel_elides() {
        let told: Vec<String> =
            (1..=12).map(|month| of(&format!("2026-{month:02}").parse::<Month>().expect("a month").french())).collect();
        assert_eq!(
            told,
            [
                "de janvier 2026",
                "de février 2026",
                "de mars 2026",
                "d'avril 2026",
                "de mai 2026",
                "de juin 2026",
                "de juillet 2026",
                "d'août 2026",
                "de septembre 2026",
                "d'octobre 2026",
                "de novembre 2026",
                "de décembre 2026",
            ]
        );
    }

    #[test]
    fn a_noun_is_plural_from_two_on() {
        for (quarters, told) in
            [(0, "part"), (1, "part"), (4, "part"), (7, "part"), (8, "parts"), (10, "parts"), (400, "parts")]
        {
            let number = Decimal::new(quarters * 25, 2);
            assert_eq!(counted(number, "part"), told, "{number}");
        }
    }
}
