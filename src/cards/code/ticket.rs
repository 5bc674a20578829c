//! The number written on a ticket: `T92-XXXX-XXXX-XXXX-XXXX-K`. As long and as secret as a card's, and never one: a card's number begins
//! with a digit, and without its T a ticket's check is wrong.

use super::CardCode;
use crate::kernel::department::Department;
use std::{fmt, str::FromStr};

/// What a ticket's number begins with.
const SIGN: char = 'T';
/// Where the sum of a ticket's check begins.
const TICKET: u8 = 1;

/// A ticket's number. Who has it may capture the ticket: it shows in `Display`, which is for the family and its ticket, never in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TicketCode(CardCode);

impl TicketCode {
    /// A new number of that department, from the system's generator.
    #[must_use]
    pub fn generate(department: Department) -> Self {
        Self(CardCode::generate(department))
    }
    #[must_use]
    pub const fn from_parts(department: Department, secret: [u8; 10]) -> Self {
        Self(CardCode::from_parts(department, secret))
    }
    /// The department whose money it is.
    #[must_use]
    pub const fn department(&self) -> Department {
        self.0.department()
    }
    /// The 80 random bits. What is stored is their fingerprint, not these.
    #[must_use]
    pub const fn secret_bytes(&self) -> [u8; 10] {
        self.0.secret_bytes()
    }
}

/// Tolerates what a card's number does.
impl FromStr for TicketCode {
    type Err = String;
    fn from_str(raw: &str) -> Result<Self, String> {
        let text = raw.trim_start();
        let code = text.strip_prefix(SIGN).or_else(|| text.strip_prefix(SIGN.to_ascii_lowercase()));
        code.and_then(|code| CardCode::read(code, TICKET))
            .map(Self)
            .ok_or_else(|| "ce numéro de ticket n'est pas valide : vérifiez chaque caractère".to_owned())
    }
}

impl fmt::Display for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGN}")?;
        self.0.write(f, TICKET)
    }
}

impl fmt::Debug for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketCode({}-***)", self.department())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::code::tests::any_code;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(card in any_code()) {
            let code = TicketCode(card);
            let written = code.to_string();
            prop_assert_eq!(written.parse(), Ok(code));
            prop_assert_eq!(written.replace('-', "").to_lowercase().parse(), Ok(code));
            let shown = format!("{code:?}");
            prop_assert_eq!(shown, format!("TicketCode({}-***)", code.department()));
        }

        #[test]
        fn a_ticket_is_never_a_card_nor_a_card_a_ticket(card in any_code()) {
            let (ticket, card) = (TicketCode(card).to_string(), card.to_string());
            for text in [&*ticket, &ticket[1..], &ticket.replace('-', ""), &ticket[1..].replace('-', "")] {
                prop_assert!(text.parse::<CardCode>().is_err(), "{}", text);
            }
            for text in [&*card, &card.replace('-', ""), &format!("T{card}"), &format!("T{}", card.replace('-', ""))] {
                prop_assert!(text.parse::<TicketCode>().is_err(), "{}", text);
            }
        }

        #[test]
        fn no_text_panics_the_reader(raw in "\\PC{0,70}") {
            let _ = raw.parse::<TicketCode>();
        }
    }
}
