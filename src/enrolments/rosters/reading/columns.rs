//! Where the columns are, by the names that school software gives them, and what one row says.

use super::super::{matching::Pupil, names::joined};
use crate::kernel::{
    text::{Name, Uai},
    words::Level,
};
use chrono::{Days, NaiveDate};
use std::{borrow::Cow, fmt};

/// Names of columns without case, accents, spaces and signs; the surest first.
const LAST_NAME: &[&str] =
    &["nomdenaissance", "nomnaissance", "nomdefamille", "nomfamille", "nomlegal", "nomdeleleve", "nomeleve", "nom"];
const FIRST_NAMES: &[&str] = &["prenoms", "prenomseleve", "prenomsdeleleve", "touslesprenoms"];
const FIRST_NAME: &[&str] = &["prenom1", "1erprenom", "premierprenom", "prenom", "prenomeleve", "prenomdeleleve"];
const SECOND_NAMES: &[&[&str]] = &[
    &["prenom2", "2emeprenom", "2eprenom", "deuxiemeprenom"],
    &["prenom3", "3emeprenom", "3eprenom", "troisiemeprenom"],
];
/// Last name in capitals, then first names, in one cell.
const BOTH_NAMES: &[&str] = &["eleve", "nometprenom", "nomprenom", "nomprenoms", "nometprenoms", "identite"];
const BIRTH_DATE: &[&str] =
    &["datedenaissance", "datenaissance", "datenaiss", "datenais", "datedenaiss", "neele", "nele", "naissance"];
const COLLEGE: &[&str] = &[
    "uai",
    "rne",
    "codeuai",
    "coderne",
    "uaietablissement",
    "rneetablissement",
    "codeetablissement",
    "codeetab",
    "numeroetablissement",
    "identifiantdeletablissement",
];
const LEVEL: &[&str] = &[
    "niveau",
    "niveauscolaire",
    "libelleniveau",
    "codemef",
    "mef",
    "libellemef",
    "formation",
    "libelleformation",
    "division",
    "codedivision",
    "divisions",
    "classe",
    "classes",
    "libelledivision",
    "codestructure",
];

/// What follows is a formula to a spreadsheet; it is no name.
const FORMULA_SIGNS: [char; 5] = ['=', '+', '-', '@', '\t'];
/// Days that a workbook counts from the last day of 1899, for pupils born from 1954 to 2064.
const SERIAL_DAYS: std::ops::RangeInclusive<u64> = 20_000..=60_000;

/// A column that no roster does without, in the order in which they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    LastName,
    FirstNames,
    BirthDate,
    College,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastName => "du nom",
            Self::FirstNames => "du prénom",
            Self::BirthDate => "de la date de naissance",
            Self::College => "du code UAI",
        })
    }
}

enum Names {
    Apart { last: usize, firsts: Vec<usize> },
    Together(usize),
}

pub(super) struct Columns {
    names: Names,
    birth_date: usize,
    college: Option<usize>,
    must_name_college: bool,
    levels: Vec<usize>,
}

impl Columns {
    /// The columns of a header, or the first one that lacks.
    pub(super) fn find(cells: &[Cow<'_, str>], must_name_college: bool) -> Result<Self, Column> {
        let names: Vec<String> = cells.iter().map(|cell| joined(cell)).collect();
        let place = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|known| known == name));
        let firsts: Option<Vec<usize>> = match (place(FIRST_NAMES), place(FIRST_NAME)) {
            (Some(all), _) => Some(vec![all]),
            (None, Some(first)) => {
                Some([first].into_iter().chain(SECOND_NAMES.iter().filter_map(|n| place(n))).collect())
            }
            (None, None) => None,
        };
        let names = match (place(LAST_NAME), firsts, place(BOTH_NAMES)) {
            (Some(last), Some(firsts), _) => Names::Apart { last, firsts },
            (_, _, Some(both)) => Names::Together(both),
            (None, ..) => return Err(Column::LastName),
            (Some(_), None, None) => return Err(Column::FirstNames),
        };
        let birth_date = place(BIRTH_DATE).ok_or(Column::BirthDate)?;
        let college = place(COLLEGE);
        if must_name_college && college.is_none() {
            return Err(Column::College);
        }
        let levels = LEVEL.iter().filter_map(|name| place(&[name])).collect();
        Ok(Self { names, birth_date, college, must_name_college, levels })
    }

    /// The pupil of a row, or the first thing wrong with it.
    pub(super) fn pupil(&self, line: u64, cells: &[Cow<'_, str>]) -> Result<Pupil, &'static str> {
        let cell = |place: usize| cells.get(place).map(|cell| cell.trim()).unwrap_or_default();
        let (last, firsts) = match &self.names {
            Names::Apart { last, firsts } => {
                let firsts: Vec<&str> = firsts.iter().map(|place| cell(*place)).filter(|n| !n.is_empty()).collect();
                (cell(*last), firsts.join(" "))
            }
            Names::Together(place) => apart(cell(*place))?,
        };
        let uai = match self.college.map(cell).filter(|code| !code.is_empty()) {
            Some(code) => Some(code.parse::<Uai>().map_err(|_| "Le code UAI n'est pas valable.")?),
            None if self.must_name_college => return Err("Le code UAI manque."),
            None => None,
        };
        Ok(Pupil {
            line,
            uai,
            last_name: name(last, "Le nom manque.", "Le nom n'est pas lisible.")?,
            first_names: name(&firsts, "Le prénom manque.", "Le prénom n'est pas lisible.")?,
            birth_date: birth_date(cell(self.birth_date))?,
            level: self.levels.iter().find_map(|place| level(cell(*place))),
        })
    }
}

/// `LE GOFF-MARTIN Anne Lou`: the words in capitals are the last name. What has no such order is a fault: nobody's name is guessed.
fn apart(text: &str) -> Result<(&str, String), &'static str> {
    let is_first_name = |word: &str| word.chars().any(char::is_lowercase);
    let at = text.split(' ').take_while(|word| !is_first_name(word)).map(|word| word.len() + 1).sum::<usize>();
    let (last, firsts) = text.split_at_checked(at).unwrap_or((text, ""));
    let in_order = firsts.split_whitespace().all(is_first_name);
    if last.trim().is_empty() || firsts.is_empty() || !in_order {
        return Err("Le nom et le prénom ne se séparent pas : le nom est attendu en capitales, puis le prénom.");
    }
    Ok((last.trim(), firsts.to_owned()))
}

fn name(text: &str, absent: &'static str, unreadable: &'static str) -> Result<Name, &'static str> {
    if text.is_empty() {
        return Err(absent);
    }
    if text.starts_with(FORMULA_SIGNS) {
        return Err("Une cellule contient une formule au lieu d'un nom.");
    }
    // Some exports separate first names by semicolons or commas, or put a no-break space between them.
    text.replace([';', '\u{a0}'], " ").parse().map_err(|_| unreadable)
}

/// `17/05/2014`, `17-05-2014`, `2014-05-17`, with or without an hour, or the days that a workbook counts.
fn birth_date(text: &str) -> Result<NaiveDate, &'static str> {
    if text.is_empty() {
        return Err("La date de naissance manque.");
    }
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let written = ["%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d"];
    let serial = || {
        let days: u64 = text.parse().ok().filter(|days| SERIAL_DAYS.contains(days))?;
        NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(days))
    };
    let date = written.iter().find_map(|form| NaiveDate::parse_from_str(day, form).ok()).or_else(serial);
    date.filter(|date| (1950..2100).contains(&chrono::Datelike::year(date)))
        .ok_or("La date de naissance n'est pas lisible.")
}

/// The level of `6EME`, `6°3`, `602`, `Sixième`, `SIXIEME SEGPA` or of the national code of a formation; none in words of the school's own.
fn level(text: &str) -> Option<Level> {
    let folded = joined(text);
    let of = |sign: char| match sign {
        '6' => Some(Level::Sixieme),
        '5' => Some(Level::Cinquieme),
        '4' => Some(Level::Quatrieme),
        '3' => Some(Level::Troisieme),
        _ => None,
    };
    if folded.len() >= 8 && folded.bytes().all(|b| b.is_ascii_digit()) {
        return match folded.get(..3)? {
            "100" => Some(Level::Sixieme),
            "101" => Some(Level::Cinquieme),
            "102" => Some(Level::Quatrieme),
            "103" => Some(Level::Troisieme),
            _ => None,
        };
    }
    let by_word = || {
        let words = [("sixieme", '6'), ("cinquieme", '5'), ("quatrieme", '4'), ("troisieme", '3')];
        words.iter().find(|(word, _)| folded.starts_with(word)).and_then(|(_, sign)| of(*sign))
    };
    folded.chars().next().and_then(of).or_else(by_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_schools_write_them() {
        let day = NaiveDate::from_ymd_opt(2014, 5, 17);
        for text in
            ["17/05/2014", "2014-05-17", "17-05-2014", "17.05.2014", "2014-05-17T00:00:00", "17/05/2014 00:00", "41776"]
        {
            assert_eq!(birth_date(text).ok(), day, "{text}");
        }
        for text in ["17/05/14", "32/01/2014", "05/17/2014", "1", "99999", "hier", "-41776", "0014-05-17"] {
            assert!(birth_date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_in_one_cell_are_told_apart_by_their_capitals() {
        for (text, last, firsts) in [
            ("DUPONT Marie", "DUPONT", "Marie"),
            ("LE GOFF-MARTIN Anne Lou", "LE GOFF-MARTIN", "Anne Lou"),
            ("D'ORNANO Éloïse", "D'ORNANO", "Éloïse"),
            ("ÉTÉ  Zoé", "ÉTÉ", "Zoé"),
        ] {
            assert_eq!(apart(text), Ok((last, firsts.to_owned())), "{text}");
        }
        for text in ["", "DUPONT", "Dupont Marie", "Marie DUPONT", "DUPONT MARIE", "DUPONT Marie ROSE"] {
            assert!(apart(text).is_err(), "{text}");
        }
    }

    #[test]
    fn levels_are_read_from_classes_and_codes() {
        for (text, expected) in [
            ("6EME", Some(Level::Sixieme)),
            ("6°3", Some(Level::Sixieme)),
            ("502", Some(Level::Cinquieme)),
            ("4e SEGPA", Some(Level::Quatrieme)),
            ("Troisième", Some(Level::Troisieme)),
            ("10010012110", Some(Level::Sixieme)),
            ("10310019110", Some(Level::Troisieme)),
            ("20010017110", None),
            ("ULIS", None),
            ("2NDE", None),
            ("", None),
        ] {
            assert_eq!(level(text), expected, "{text}");
        }
    }
}
