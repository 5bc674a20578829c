//! The file a department gives its bank: one order of SEPA credit transfers, ISO 20022 pain.001.001.09.

use crate::{
    error::Error,
    kernel::{money::Cents, text::sepa_char},
};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use std::io;

/// Media type of the file.
pub const MEDIA_TYPE: &str = "application/xml";
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
/// What SEPA takes of a name and of the text for the payee.
const NAME_MAX: usize = 70;
const TEXT_MAX: usize = 140;

/// The holder of an account.
#[derive(Debug, Clone)]
pub struct Party {
    pub name: String,
    pub iban: String,
}

/// One transfer of the order.
#[derive(Debug)]
pub struct Payment {
    pub end_to_end_id: String,
    pub amount: Cents,
    pub creditor: Party,
    /// What the payee reads on his own statement.
    pub text: String,
}

/// All of a batch's transfers, from one account, on one day.
#[derive(Debug)]
pub struct Order {
    pub message_id: String,
    pub created_at: DateTime<Utc>,
    pub execution_date: NaiveDate,
    pub debtor: Party,
    pub payments: Vec<Payment>,
}

impl Order {
    /// The file: the same bytes for the same order.
    pub fn xml(&self) -> Result<Vec<u8>, Error> {
        let total = Cents::checked_sum(self.payments.iter().map(|payment| payment.amount));
        let total = total.ok_or_else(|| Error::internal("the sum of an order overflows"))?;
        let mut writer = Writer::new_with_indent(vec![], b' ', 1);
        self.write(&mut writer, total).map_err(Error::internal)?;
        Ok(writer.into_inner())
    }

    fn write(&self, xml: &mut Xml, total: Cents) -> io::Result<()> {
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let document = xml.create_element("Document").with_attribute(("xmlns", NAMESPACE));
        document.write_inner_content(|xml| {
            within(xml, "CstmrCdtTrfInitn", |xml| {
                within(xml, "GrpHdr", |xml| {
                    leaf(xml, "MsgId", &self.message_id)?;
                    leaf(xml, "CreDtTm", &self.created_at.to_rfc3339_opts(SecondsFormat::Secs, true))?;
                    self.sums(xml, total)?;
                    within(xml, "InitgPty", |xml| leaf(xml, "Nm", &sepa(&self.debtor.name, NAME_MAX)))
                })?;
                within(xml, "PmtInf", |xml| self.payment_information(xml, total))
            })
        })?;
        Ok(())
    }

    fn sums(&self, xml: &mut Xml, total: Cents) -> io::Result<()> {
        leaf(xml, "NbOfTxs", &self.payments.len().to_string())?;
        leaf(xml, "CtrlSum", &euros(total))
    }

    fn payment_information(&self, xml: &mut Xml, total: Cents) -> io::Result<()> {
        leaf(xml, "PmtInfId", &self.message_id)?;
        leaf(xml, "PmtMtd", "TRF")?;
        self.sums(xml, total)?;
        within(xml, "PmtTpInf", |xml| within(xml, "SvcLvl", |xml| leaf(xml, "Cd", "SEPA")))?;
        within(xml, "ReqdExctnDt", |xml| leaf(xml, "Dt", &self.execution_date.to_string()))?;
        party(xml, "Dbtr", "DbtrAcct", &self.debtor)?;
        // SEPA finds the bank by the IBAN alone; the schema wants the element.
        within(xml, "DbtrAgt", |xml| {
            within(xml, "FinInstnId", |xml| within(xml, "Othr", |xml| leaf(xml, "Id", "NOTPROVIDED")))
        })?;
        leaf(xml, "ChrgBr", "SLEV")?;
        for payment in &self.payments {
            within(xml, "CdtTrfTxInf", |xml| {
                within(xml, "PmtId", |xml| leaf(xml, "EndToEndId", &payment.end_to_end_id))?;
                within(xml, "Amt", |xml| {
                    let amount = xml.create_element("InstdAmt").with_attribute(("Ccy", "EUR"));
                    amount.write_text_content(BytesText::new(&euros(payment.amount))).map(drop)
                })?;
                party(xml, "Cdtr", "CdtrAcct", &payment.creditor)?;
                within(xml, "RmtInf", |xml| leaf(xml, "Ustrd", &sepa(&payment.text, TEXT_MAX)))
            })?;
        }
        Ok(())
    }
}

type Xml = Writer<Vec<u8>>;

fn within(xml: &mut Xml, name: &str, content: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(content).map(drop)
}

fn leaf(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text)).map(drop)
}

fn party(xml: &mut Xml, role: &str, account: &str, party: &Party) -> io::Result<()> {
    within(xml, role, |xml| leaf(xml, "Nm", &sepa(&party.name, NAME_MAX)))?;
    within(xml, account, |xml| within(xml, "Id", |xml| leaf(xml, "IBAN", &party.iban)))
}

/// `1234.05`, as XML writes decimals.
fn euros(amount: Cents) -> String {
    let cents = amount.get();
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

/// A text in the letters that every bank of the SEPA takes: what has no such form is a space.
fn sepa(text: &str, max: usize) -> String {
    let folded: String = text.chars().map(|c| sepa_char(c).unwrap_or(" ")).collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(max).collect();
    if text.is_empty() { "-".to_owned() } else { text.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = include_str!("../../tests/data/iso20022/pain.001.001.09.xsd");

    /// What the official schema says against a file.
    fn against_schema(xml: &str) -> Vec<String> {
        let schema = uppsala::parse(SCHEMA).expect("the schema is XML");
        let validator = uppsala::XsdValidator::from_schema(&schema).expect("the schema is a schema");
        let document = uppsala::parse(xml).expect("the file is XML");
        validator.validate(&document).iter().map(|error| format!("{error:?}")).collect()
    }

    fn order(payments: usize) -> Order {
        let payment = |n: usize| Payment {
            end_to_end_id: format!("PP92-12-{n}"),
            amount: Cents::new(1_250 + i64::try_from(n).expect("small")),
            creditor: Party {
                name: "Théâtre <de> l'Œuvre & fils".into(), iban: "FR7630006000011234567890189".into()
            },
            text: "Pass+ lot 12 jusqu'au 01/10/2026".into(),
        };
        Order {
            message_id: "PASSPLUS-92-12".into(),
            created_at: "2026-10-02T08:00:00.123Z".parse().expect("an instant"),
            execution_date: NaiveDate::from_ymd_opt(2026, 10, 2).expect("a date"),
            debtor: Party {
                name: "Département des Hauts-de-Seine".into(), iban: "FR1420041010050500013M02606".into()
            },
            payments: (1..=payments).map(payment).collect(),
        }
    }

    #[test]
    fn the_file_is_valid_against_the_official_schema() {
        let xml = String::from_utf8(order(3).xml().expect("a file")).expect("UTF-8");
        assert_eq!(against_schema(&xml), Vec::<String>::new(), "{xml}");
        for part in [
            "<MsgId>PASSPLUS-92-12</MsgId>",
            "<CreDtTm>2026-10-02T08:00:00Z</CreDtTm>",
            "<NbOfTxs>3</NbOfTxs>",
            "<CtrlSum>37.56</CtrlSum>",
            "<Nm>Departement des Hauts-de-Seine</Nm>",
            "<Nm>Theatre de l'OEuvre + fils</Nm>",
            "<InstdAmt Ccy=\"EUR\">12.51</InstdAmt>",
            "<EndToEndId>PP92-12-3</EndToEndId>",
            "<Ustrd>Pass+ lot 12 jusqu'au 01 10 2026</Ustrd>",
        ] {
            assert!(xml.contains(part) || xml.contains(&part.replace('\'', "&apos;")), "no {part} in {xml}");
        }
    }

    #[test]
    fn the_schema_finds_what_is_wrong() {
        let xml = String::from_utf8(order(1).xml().expect("a file")).expect("UTF-8");
        for (part, wrong) in [
            ("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>CASH</PmtMtd>"),
            ("FR7630006000011234567890189", "30006000011234567890189"),
            ("<NbOfTxs>1</NbOfTxs>", ""),
            ("12.51", "12,51"),
        ] {
            assert!(!against_schema(&xml.replacen(part, wrong, 1)).is_empty(), "{wrong:?} passes");
        }
        assert!(!against_schema(&String::from_utf8(order(0).xml().expect("a file")).expect("UTF-8")).is_empty());
    }

    #[test]
    fn amounts_and_names_are_written_as_banks_take_them() {
        assert_eq!(euros(Cents::new(5)), "0.05");
        assert_eq!(euros(Cents::new(123_456)), "1234.56");
        assert_eq!(sepa("  Élève // Ça—va ? €", 70), "Eleve Ca va ?");
        assert_eq!(sepa("///", 70), "-");
        assert_eq!(sepa(&"é".repeat(100), 70), "e".repeat(70));
    }
}
