//! Names as they are compared: without case, accents, hyphens, apostrophes and spaces; particles and second names told apart.

/// Words that one form writes and another leaves out: `de La Tour` and `Tour`, `Ben Ali` and `Ali`.
const PARTICLES: [&str; 24] = [
    "al", "ben", "bin", "d", "da", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "el", "ibn",
    "l", "la", "le", "les", "van", "von", "y",
];
/// Shorter names differ by one letter without being misspelt: `Léa` and `Lou` do not, but `Li` and `Lu` would.
const SPELLING_FROM: usize = 3;

/// The words of a text, folded: `d'Ornano-Lœb` is `d`, `ornano`, `loeb`.
pub fn words(text: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word = String::new();
    for c in text.chars() {
        let mut told = [0; 4];
        let folded = match c {
            // An accent of its own, after its letter.
            '\u{300}'..='\u{36f}' => continue,
            ' '..='~' => &*c.encode_utf8(&mut told),
            _ => deunicode::deunicode_char(c).unwrap_or(" "),
        };
        for c in folded.chars() {
            if c.is_ascii_alphanumeric() {
                word.push(c.to_ascii_lowercase());
            } else if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A text without anything but its letters and digits: `Né(e) le` is `neele`.
pub fn joined(text: &str) -> String {
    words(text).concat()
}

/// A last name and first names, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The last name, whole and without its particles.
    pub last: String,
    pub bare: String,
    last_words: Vec<String>,
    firsts: Vec<String>,
}

/// How near two last names, or two lists of first names, are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    Same,
    /// But for particles; but for second names that are missing or in another order.
    Alike,
    /// One letter apart.
    Misspelt,
    /// Some words in common.
    Partial,
    Apart,
}

impl Folded {
    pub fn new(last_name: &str, first_names: &str) -> Self {
        let last_words = words(last_name);
        let last = last_words.concat();
        let kept: Vec<&str> = last_words.iter().map(String::as_str).filter(|w| !PARTICLES.contains(w)).collect();
        let bare = if kept.is_empty() { last.clone() } else { kept.concat() };
        Self { last, bare, last_words, firsts: words(first_names) }
    }

    /// All the first names in one.
    pub fn first(&self) -> String {
        self.firsts.concat()
    }

    pub fn last_nearness(&self, other: &Self) -> Nearness {
        if self.last == other.last {
            Nearness::Same
        } else if self.bare == other.bare {
            Nearness::Alike
        } else if one_slip(&self.last, &other.last) || one_slip(&self.bare, &other.bare) {
            Nearness::Misspelt
        } else if self.last_words.iter().any(|w| !PARTICLES.contains(&w.as_str()) && other.last_words.contains(w)) {
            Nearness::Partial
        } else {
            Nearness::Apart
        }
    }

    pub fn first_nearness(&self, other: &Self) -> Nearness {
        if self.first() == other.first() {
            return Nearness::Same;
        }
        let (few, many) = if self.firsts.len() <= other.firsts.len() { (self, other) } else { (other, self) };
        if few.firsts.is_empty() {
            return Nearness::Apart;
        }
        let within = few.firsts.iter().all(|word| many.firsts.contains(word));
        let usual_is_same = few.firsts.first() == many.firsts.first();
        // `Jeanpierre` for `Jean-Pierre Marie`.
        let begins = begin_with(&many.firsts, &few.first());
        if (within && (usual_is_same || few.firsts.len() == many.firsts.len())) || begins {
            return Nearness::Alike;
        }
        let usual = few.firsts.first().zip(many.firsts.first());
        if one_slip(&few.first(), &many.first()) || usual.is_some_and(|(a, b)| one_slip(a, b)) {
            Nearness::Misspelt
        } else if few.firsts.iter().any(|word| many.firsts.contains(word)) {
            Nearness::Partial
        } else {
            Nearness::Apart
        }
    }

    /// Whether each stands in the other's column.
    pub fn is_swapped(&self, other: &Self) -> bool {
        self.last == other.first() && self.first() == other.last
    }
}

/// Whether the first of these words, written in one, are that whole.
fn begin_with(words: &[String], whole: &str) -> bool {
    let mut rest = whole;
    for word in words {
        let Some(after) = rest.strip_prefix(word.as_str()) else { return false };
        if after.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether two different names are one letter apart: one more, one less, one other, or two in the wrong order.
fn one_slip(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().min(b.len()) < SPELLING_FROM || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(start..).unwrap_or_default(), b.get(start..).unwrap_or_default());
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let rest = |of: &[u8]| of.get(..of.len().saturating_sub(end)).unwrap_or_default().to_vec();
    match (rest(a).as_slice(), rest(b).as_slice()) {
        ([_], [_] | []) | ([], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Nearness as N, *};
    use proptest::prelude::*;

    fn last(a: &str, b: &str) -> N {
        Folded::new(a, "x").last_nearness(&Folded::new(b, "x"))
    }

    fn first(a: &str, b: &str) -> N {
        Folded::new("x", a).first_nearness(&Folded::new("x", b))
    }

    #[test]
    fn last_names_are_compared_as_people_write_them() {
        for (a, b, expected) in [
            ("LEFEVRE", "Lefèvre", N::Same),
            ("Lœb", "LOEB", N::Same),
            ("Straße", "STRASSE", N::Same),
            ("Saint-Éloi", "SAINT ELOI", N::Same),
            ("N'Guyen", "Nguyen", N::Same),
            ("E\u{301}luard", "Éluard", N::Same),
            ("d’Ornano", "Ornano", N::Alike),
            ("DE LA TOUR", "Tour (de la)", N::Alike),
            ("Ben Ali", "ALI", N::Alike),
            ("El Amrani", "Elamrani", N::Same),
            ("Le", "Les", N::Apart),
            ("Martin", "Martni", N::Misspelt),
            ("Martin", "Martins", N::Misspelt),
            ("Dupont", "Dupond", N::Misspelt),
            ("Martin Durand", "Durand", N::Partial),
            ("de Gaulle", "de Sèze", N::Apart),
            ("Petit", "Grand", N::Apart),
        ] {
            assert_eq!((last(a, b), last(b, a)), (expected, expected), "{a} / {b}");
        }
    }

    #[test]
    fn second_names_may_be_missing_or_in_another_order() {
        for (a, b, expected) in [
            ("Jean-Pierre", "JEAN PIERRE", N::Same),
            ("Jeanpierre", "Jean Pierre", N::Same),
            ("Lou", "Lou, Marie, Anne", N::Alike),
            ("Lou Anne", "Lou Marie Anne", N::Alike),
            ("Marie Lou", "Lou Marie", N::Alike),
            ("Jeanpierre", "Jean-Pierre Marie", N::Alike),
            ("Pierre", "Jean Pierre", N::Partial),
            ("Inès", "Inéss", N::Misspelt),
            ("Mathis Paul", "Matis Jean", N::Misspelt),
            ("Lou", "Léa", N::Apart),
            ("Li", "Lu", N::Apart),
        ] {
            assert_eq!((first(a, b), first(b, a)), (expected, expected), "{a} / {b}");
        }
    }

    #[test]
    fn columns_taken_for_each_other_are_seen() {
        assert!(Folded::new("Lou", "Martin").is_swapped(&Folded::new("MARTIN", "lou")));
        assert!(!Folded::new("Martin", "Lou").is_swapped(&Folded::new("Martin", "Lou")));
    }

    proptest! {
        /// Whatever the way of writing, the same name is the same; and nearness does not depend on who asks.
        #[test]
        fn writing_does_not_matter_and_nearness_is_mutual(
            words in prop::collection::vec("[a-zà-öø-ÿœ]{1,9}", 1..4), other in "\\PC{0,30}", upper: bool,
        ) {
            let (plain, written) = (words.join(" "), words.join("-"));
            let written = if upper { written.to_uppercase() } else { written };
            prop_assert_eq!(last(&plain, &written), N::Same);
            prop_assert_eq!(first(&plain, &written), N::Same);
            prop_assert_eq!(last(&plain, &other), last(&other, &plain));
            prop_assert_eq!(first(&plain, &other), first(&other, &plain));
        }

        /// Second names left out never take the match away, nor one letter more the likeness.
        #[test]
        fn what_is_left_out_or_slips_stays_near(words in prop::collection::vec("[a-z]{3,9}", 2..5), at in 0_usize..3) {
            let all = words.join(" ");
            prop_assert!(first(&all, &words[0]) <= N::Alike);
            let mut slipped = words.concat();
            slipped.insert(at, 'q');
            prop_assert!(last(&words.concat(), &slipped) <= N::Misspelt);
        }
    }
}
