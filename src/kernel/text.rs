//! Texts that callers send: trimmed, bounded, free of control characters, checked once while the body is read.

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use std::fmt;

fn no_control(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text = raw.trim();
    let length = text.chars().count();
    if length < min || length > max {
        return Err(format!("un texte de {min} à {max} caractères est attendu"));
    }
    // U+202A–U+202E and U+2066–U+2069 reorder what a reader sees: a name could read as another.
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    if text.chars().any(hidden) {
        return Err("les caractères de commande ne sont pas admis".to_owned());
    }
    Ok(text.to_owned())
}

fn person_name(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text = no_control(raw, min, max)?;
    let fits = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '.' | ',' | '\u{300}'..='\u{36f}');
    if !text.chars().all(fits) || !text.chars().any(char::is_alphabetic) {
        return Err("un nom ne contient que des lettres, espaces, apostrophes et traits d'union".to_owned());
    }
    Ok(text)
}

/// A character in the letters that every bank of the SEPA takes: accents folded, `&` told as `+`. None for what has no such form, slashes
/// included: some banks refuse them.
#[must_use]
pub fn sepa_char(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("+"),
        // An accent of its own, after its letter.
        '\u{300}'..='\u{36f}' => Some(""),
        '’' | '–' => deunicode::deunicode_char(c),
        ' '..='~' => deunicode::deunicode_char(c).filter(|_| c.is_ascii_alphanumeric() || " -?:().,'+".contains(c)),
        // Latin, Greek and Cyrillic letters, those of the countries of the SEPA.
        '\u{a1}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}' if c.is_alphabetic() => {
            deunicode::deunicode_char(c).filter(|told| told.bytes().all(|b| b.is_ascii_alphanumeric()))
        }
        _ => None,
    }
}

fn holder_name(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text = no_control(raw, min, max)?;
    let Some(told) = text.chars().map(sepa_char).collect::<Option<String>>() else {
        return Err("un titulaire s'écrit avec des lettres, des chiffres et - ? : ( ) . , ' + & : les banques ne prennent rien d'autre".to_owned());
    };
    if told.len() > max || !told.contains(|c: char| c.is_ascii_alphanumeric()) {
        return Err(format!("un nom de {max} caractères au plus est attendu, accents et ligatures développés"));
    }
    Ok(text)
}

fn email(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text = no_control(raw, min, max)?.to_lowercase();
    text.parse::<lettre::Address>()
        .ok()
        .filter(|address| address.domain().contains('.') && text.is_ascii())
        .map(|_| text)
        .ok_or_else(|| "une adresse électronique est attendue".to_owned())
}

/// Several lines: no control character but the ends of lines, written `\n`.
fn paragraphs(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text = raw.replace("\r\n", "\n");
    let text = text.trim();
    let plain = !text.chars().any(|c| c.is_control() && c != '\n');
    if plain && (min..=max).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(format!("de {min} à {max} caractères sont attendus, sans caractère de contrôle"))
    }
}

fn phone(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text: String = raw.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    let digits = text.strip_prefix('+').unwrap_or(&text);
    if (min..=max).contains(&text.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text)
    } else {
        Err("un numéro de téléphone est attendu, par exemple 06 12 34 56 78".to_owned())
    }
}

/// UAI: seven digits and a control letter, the alphabet of 23 letters without I, O and Q, digits modulo 23.
fn uai(raw: &str, _: usize, _: usize) -> Result<String, String> {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPRSTUVWXYZ";
    let text = raw.trim().to_uppercase();
    let wrong = || "un code UAI est attendu, par exemple 0920149M".to_owned();
    let (digits, letter) = text.split_at_checked(7).ok_or_else(wrong)?;
    let number: usize =
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten().ok_or_else(wrong)?;
    let expected = LETTERS.get(number % LETTERS.len()).copied();
    if letter.len() == 1 && letter.bytes().next() == expected { Ok(text) } else { Err(wrong()) }
}

/// SIRET: 14 digits whose Luhn sum is a multiple of ten (La Poste, SIREN 356000000, excepted by rule: sum of digits by five).
fn siret(raw: &str, _: usize, _: usize) -> Result<String, String> {
    let text: String = raw.chars().filter(|c| *c != ' ').collect();
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|d| d.len() == 14) else {
        return Err("un numéro SIRET de 14 chiffres est attendu".to_owned());
    };
    let luhn: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, d)| if place % 2 == 1 { (d * 2) / 10 + (d * 2) % 10 } else { *d })
        .sum();
    let la_poste = text.starts_with("356000000") && digits.iter().sum::<u32>().is_multiple_of(5);
    if luhn.is_multiple_of(10) || la_poste { Ok(text) } else { Err("ce numéro SIRET n'est pas valide".to_owned()) }
}

fn identifier(raw: &str, min: usize, max: usize) -> Result<String, String> {
    let text = no_control(raw, min, max)?;
    if text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')) {
        Ok(text)
    } else {
        Err("seuls les minuscules, chiffres, tirets, points et soulignés sont admis".to_owned())
    }
}

fn season_code(raw: &str, _: usize, _: usize) -> Result<String, String> {
    let years = raw.split_once('-').and_then(|(from, to)| {
        // `parse` alone would take a sign.
        let year = |text: &str| {
            text.bytes().all(|b| b.is_ascii_digit() && text.len() == 4).then(|| text.parse::<u16>().ok())?
        };
        let (from, to) = (year(from)?, year(to)?);
        (from.checked_add(1)? == to).then_some(())
    });
    years.map(|()| raw.to_owned()).ok_or_else(|| "une saison s'écrit 2026-2027".to_owned())
}

checked_text! {
    /// A person's first names or last name.
    Name, 1..=80, "Camille", person_name
}
checked_text! {
    /// A label shown to people: a merchant, an activity, a reason in a few words.
    Label, 1..=120, "Stage de danse", no_control
}
checked_text! {
    /// Who holds a bank account, as banks take it.
    HolderName, 1..=70, "Club nautique de Nanterre", holder_name
}
checked_text! {
    /// A bank's code for a reason, of ISO 20022's list.
    ReasonCode, 4..=4, "AC04", |raw, _, _| {
        let code = raw.len() == 4 && raw.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if code { Ok(raw.to_owned()) } else { Err("un code de quatre lettres majuscules ou chiffres est attendu".to_owned()) }
    }
}
checked_text! {
    /// A sentence or two: the reason of a decision.
    Note, 1..=500, "Le certificat de scolarité est illisible.", no_control
}
checked_text! {
    /// A text of several lines.
    Paragraphs, 1..=5_000, "Bonjour,\n\nLe guide de la saison est paru.", paragraphs
}
checked_text! {
    /// A postal address on one line.
    PostalAddress, 5..=200, "12 rue des Écoles, 92000 Nanterre", no_control
}
checked_text! {
    /// An e-mail address, kept in lower case.
    Email, 6..=254, "camille.martin@example.fr", email
}
checked_text! {
    /// A telephone number, digits and an optional leading `+`.
    Phone, 6..=16, "0612345678", phone
}
checked_text! {
    /// National code of a school, control letter checked.
    Uai, 8..=8, "0920149M", uai
}
checked_text! {
    /// National number of an organisation's establishment, control digit checked.
    Siret, 14..=14, "35600000000048", siret
}
checked_text! {
    /// INSEE's code of a commune or, from 99 on, of a country.
    InseeCode, 5..=5, "92050", |raw, _, _| {
        let fits = |(place, b): (usize, u8)| b.is_ascii_digit() || (place == 1 && matches!(b, b'A' | b'B'));
        let code = raw.trim().to_uppercase();
        if code.len() == 5 && code.bytes().enumerate().all(fits) { Ok(code) } else { Err("un code INSEE de 5 caractères est attendu, par exemple 92050".to_owned()) }
    }
}
checked_text! {
    /// A code of the rules: a formula, a rule, a version of a text.
    Code, 1..=40, "sport", identifier
}
checked_text! {
    /// A school year: `2026-2027`.
    SeasonCode, 9..=9, "2026-2027", season_code
}

/// Digits of a tax number, of an IBAN or a social security number at least.
const LONG_NUMBER: usize = 13;

/// Whether a text holds a number as long as a tax number, whatever separates its digits.
#[must_use]
pub fn has_long_number(text: &str) -> bool {
    let mut digits = 0_usize;
    text.chars().any(|c| {
        if c.is_numeric() {
            digits = digits.saturating_add(1);
        } else if !c.is_whitespace() && !matches!(c, '.' | '-' | '_' | '\u{2010}'..='\u{2015}') {
            digits = 0;
        }
        digits >= LONG_NUMBER
    })
}

impl SeasonCode {
    /// The year in which it begins and the one in which it ends. `None` only for a code that was stored without being checked.
    #[must_use]
    pub fn years(&self) -> Option<(i32, i32)> {
        let (first, second) = self.as_str().split_once('-')?;
        Some((first.parse().ok()?, second.parse().ok()?))
    }
    /// The school year before this one; none before the first that can be written.
    #[must_use]
    pub fn previous(&self) -> Option<Self> {
        let (first, _) = self.years()?;
        format!("{:04}-{first:04}", first.checked_sub(1)?).parse().ok()
    }
    /// Whether the day lies in its school year, from 1 September to 31 August.
    #[must_use]
    pub fn holds(&self, day: NaiveDate) -> bool {
        let begun = if day.month() < 9 { day.year().saturating_sub(1) } else { day.year() };
        self.years().is_some_and(|(first, _)| first == begun)
    }
}

checked_text! {
    /// What a caller gives as secret or one-time code: bounded, never kept as it is.
    Secret, 1..=512, "…", |raw, min, max| {
        let length = raw.chars().count();
        if (min..=max).contains(&length) { Ok(raw.to_owned()) } else { Err(format!("de {min} à {max} caractères sont attendus")) }
    }
}

/// A value that never shows in a log or an error: `Debug` and `Display` print `***`.
#[derive(Clone)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }
    /// The value itself; each call is a place to look at.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_keys_of_uai_and_siret_are_checked() {
        assert!("0352958A".parse::<Uai>().is_ok());
        assert!("0352958B".parse::<Uai>().is_err());
        assert!("20009045400014".parse::<Siret>().is_ok());
        assert!("20009045400015".parse::<Siret>().is_err());
    }

    #[test]
    fn a_number_as_long_as_a_tax_number_is_found_however_it_is_written() {
        for long in [
            "3001234567890",
            "Avis lu, n° 30 01 234 567 890.",
            "30-01-234.567\u{202f}890",
            "FR7630006000011234567890189",
        ] {
            assert!(has_long_number(long), "{long}");
        }
        for short in ["", "Avis d'impôt 2025 vu au guichet.", "Vu le 12/10/2026 et le 05/11/2026 au 06 12 34 56 78"] {
            assert!(!has_long_number(short), "{short}");
        }
    }

    #[test]
    fn names_are_letters() {
        assert!("Éloïse-Marie d’Ornano".parse::<Name>().is_ok());
        for wrong in ["", "   ", "<b>", "R2D2", "a\u{202e}b", "--"] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_holder_is_told_in_the_letters_of_banks() {
        let told = |name: &str| name.chars().map(sepa_char).collect::<Option<String>>();
        assert_eq!(told("Théâtre de l’Œuvre & Cie (1)").as_deref(), Some("Theatre de l'OEuvre + Cie (1)"));
        assert_eq!(told("E\u{301}cole Ελλάς").as_deref(), Some("Ecole Ellas"));
        for right in ["Théâtre de l'Œuvre & Cie", "Groß-Gerau", "O.C.C.E. 92 : coopérative"] {
            assert!(right.parse::<HolderName>().is_ok(), "{right}");
        }
        for wrong in ["Théâtre <des> Sablons", "Sablons 😀", "100 €", "A/B", "北京", "-", &"œ".repeat(36)] {
            assert!(wrong.parse::<HolderName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_season_spans_two_following_years() {
        assert!(
            "2026-2027".parse::<SeasonCode>().is_ok_and(|s| s.previous().is_some_and(|p| p.as_str() == "2025-2026"))
        );
        assert!("0000-0001".parse::<SeasonCode>().is_ok_and(|first| first.previous().is_none()));
        let season: SeasonCode = "2026-2027".parse().expect("a season");
        assert_eq!(season.years(), Some((2026, 2027)));
        for (day, holds) in [
            ("2026-08-31", false),
            ("2026-09-01", true),
            ("2027-08-31", true),
            ("2027-09-01", false),
            ("2028-01-01", false),
        ] {
            assert_eq!(season.holds(day.parse().expect("a day")), holds, "{day}");
        }
        for wrong in ["2026-2028", "2026", "26-27", "2026-2027 ", "+999-1000"] {
            assert!(wrong.parse::<SeasonCode>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_a_parser(raw in "\\PC{0,40}") {
            let _ = raw.parse::<Name>();
            let _ = raw.parse::<Email>();
            let _ = raw.parse::<Phone>();
            let _ = raw.parse::<Uai>();
            let _ = raw.parse::<Siret>();
            let _ = raw.parse::<SeasonCode>();
        }
    }
}
