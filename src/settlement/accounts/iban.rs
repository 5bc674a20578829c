//! The number of a bank account, checked to its last digit and never shown.

use iban::{Iban as Checked, IbanLike};
use std::fmt;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// Countries whose banks SEPA credit transfers reach (European Payments Council, list of scheme countries).
const SEPA: &[&str] = &[
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE",
    "SI", "SK", "SM", "VA",
];

/// An IBAN of the SEPA: country, length, structure and check digits are right.
#[derive(Clone, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Iban(Checked);

impl Iban {
    /// The number itself, without spaces: for sealing, and for the bank.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.electronic_str()
    }

    /// What a person recognises it by.
    #[must_use]
    pub fn last4(&self) -> String {
        let text = self.expose();
        text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }
}

impl TryFrom<String> for Iban {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        let text: String = raw.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
        match text.parse::<Checked>() {
            Ok(iban) if SEPA.contains(&iban.country_code()) => Ok(Self(iban)),
            Ok(_) => Err("ce compte n'est pas dans un pays de l'espace SEPA".to_owned()),
            Err(_) => Err("cet IBAN n'est pas valable".to_owned()),
        }
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialSchema for Iban {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(15))
            .max_length(Some(42))
            .description(Some(
                "IBAN, avec ou sans espaces. Chiffré à l'arrivée ; seuls les quatre derniers caractères sont montrés.",
            ))
            .examples([serde_json::json!("FR76 3000 6000 0112 3456 7890 189")])
            .into()
    }
}
impl ToSchema for Iban {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_right_numbers_of_the_sepa_are_taken() {
        for right in ["FR7630006000011234567890189", "fr76 3000 6000 0112 3456 7890 189", "DE89370400440532013000"] {
            assert!(Iban::try_from(right.to_owned()).is_ok(), "{right}");
        }
        // A digit changed, cut, no IBAN, an account outside the SEPA.
        for wrong in ["FR7630006000011234567890188", "FR763000600001123456789018", "", "x", "SA0380000000608010167519"]
        {
            assert!(Iban::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_is_recognised_by_its_end_and_never_printed() {
        let iban = Iban::try_from("FR7630006000011234567890189".to_owned()).expect("an IBAN");
        assert_eq!(iban.last4(), "0189");
        assert_eq!(format!("{iban:?}"), "***");
    }
}
