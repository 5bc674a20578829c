//! Whether two registers write the same person's name.

/// Whether one name holds every word of the other: accents, case, hyphens and apostrophes apart, a double name is known by one of its parts.
pub fn alike(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let (shorter, longer) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    !shorter.is_empty() && (shorter.iter().all(|word| longer.contains(word)) || one.concat() == other.concat())
}

fn words(name: &str) -> Vec<String> {
    let plain = deunicode::deunicode(name).to_lowercase();
    plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_under_its_writings_and_not_under_another() {
        for (one, other) in [
            ("Lefèvre-Ôst", "LEFEVRE OST"),
            ("Martin", "MARTIN DUPONT"),
            ("d’Ornano", "D ORNANO"),
            ("Le Goff", "LEGOFF"),
        ] {
            assert!(alike(one, other) && alike(other, one), "{one} {other}");
        }
        for (one, other) in
            [("Martin", "MARTINEZ"), ("Martin", ""), ("", ""), ("-", "Martin"), ("Martin Petit", "MARTIN DUPONT")]
        {
            assert!(!alike(one, other) && !alike(other, one), "{one} {other}");
        }
    }
}
