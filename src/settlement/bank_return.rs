//! What a bank says of an order: ISO 20022 pain.002, versions 001.03 and 001.10, read for the few elements that count.
//!
//! The file comes from outside: a document type is refused, entities are never resolved, and whatever is doubtful makes the whole file
//! unreadable rather than half read.

use super::state::BankWord;
use crate::{
    error::{Error, Refusal},
    kernel::money::Cents,
};
use quick_xml::{
    NsReader,
    events::Event,
    name::{Namespace, ResolveResult},
};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// Longest file: 3,000 merchants are about 2 kB each at worst, of which banks send the rejected ones mostly.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of the schema is 14.
const DEPTH_MAX: usize = 32;
/// The schema's bound of an id.
const ID_MAX: usize = 35;
const NAMESPACES: [&str; 2] =
    ["urn:iso:std:iso:20022:tech:xsd:pain.002.001.03", "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"];

/// What is said of one transfer, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub word: BankWord,
    /// The bank's code for why, `AC04` for a closed account.
    pub reason: Option<String>,
}

/// A transfer as a bank names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub end_to_end_id: String,
    /// The amount it says was asked, if it says so.
    pub amount: Option<Cents>,
    pub verdict: Verdict,
}

/// A bank's return, checked for its own consistency only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankReturn {
    /// The message of ours it answers, and the orders in it, which bear the same name.
    pub message_id: String,
    pub order_ids: BTreeSet<String>,
    /// How many transfers it says were asked, and their sum: each time it says so.
    pub counts: BTreeSet<usize>,
    pub sums: BTreeSet<Cents>,
    /// For every transfer, when none is named.
    pub whole: Option<Verdict>,
    /// Each once.
    pub transfers: Vec<Named>,
}

fn unreadable(why: &str) -> Error {
    let sentence = Refusal::BankFileUnreadable.sentence().trim_end_matches('.');
    Error::RefusedBecause(Refusal::BankFileUnreadable, format!("{sentence} : {why}."))
}

/// ISO's status codes, as far as they tell whether money arrives.
fn word(code: &str) -> Result<BankWord, Error> {
    match code {
        "ACCP" | "ACSP" | "ACSC" | "ACCC" | "ACWC" => Ok(BankWord::Accepted),
        "RJCT" | "CANC" => Ok(BankWord::Rejected),
        "RCVD" | "PDNG" | "ACTC" | "PART" | "PATC" => Ok(BankWord::Pending),
        _ => Err(unreadable("un statut est inconnu")),
    }
}

/// `1234.5` in cents.
fn cents(text: &str) -> Result<Cents, Error> {
    let wrong = || unreadable("un montant n'est pas lisible");
    let exact = Decimal::from_str_exact(text).ok().and_then(|euros| euros.checked_mul(Decimal::ONE_HUNDRED));
    let exact = exact.filter(|cents| cents.fract().is_zero() && !cents.is_sign_negative()).ok_or_else(wrong)?;
    i64::try_from(exact).map(Cents::new).map_err(|_| wrong())
}

/// Status and reason as they are read, of the group, of the order or of one transfer.
#[derive(Debug, Default)]
struct Status {
    id: Option<String>,
    amount: Option<Cents>,
    word: Option<BankWord>,
    reason: Option<String>,
}

#[derive(Debug, Default)]
struct Reading {
    message_id: Option<String>,
    order_ids: BTreeSet<String>,
    counts: BTreeSet<usize>,
    sums: BTreeSet<Cents>,
    group: Status,
    order: Status,
    transfer: Status,
    transfers: Vec<Named>,
}

impl BankReturn {
    /// Reads a file.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(file).map_err(|_| unreadable("il n'est pas en UTF-8"))?;
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        let (mut path, mut content, mut reading) = (Vec::<String>::new(), String::new(), Reading::default());
        let (mut rooted, mut resolved) = (false, true);
        loop {
            let (namespace, event) = reader.read_resolved_event().map_err(|_| unreadable("ce n'est pas du XML"))?;
            match event {
                Event::Start(tag) => {
                    let known = |ns: Namespace<'_>| NAMESPACES.contains(&ns.into_inner());
                    if !matches!(namespace, ResolveResult::Bound(ns) if known(ns)) {
                        return Err(unreadable("ce n'est pas un message pain.002.001.03 ou pain.002.001.10"));
                    }
                    if (path.is_empty() && rooted) || path.len() >= DEPTH_MAX {
                        return Err(unreadable("sa structure n'est pas celle attendue"));
                    }
                    rooted = true;
                    let name = tag.local_name().into_inner();
                    let currency = tag.try_get_attribute("Ccy").map_err(|_| unreadable("ce n'est pas du XML"))?;
                    if name == "InstdAmt" && currency.is_none_or(|currency| currency.value != "EUR") {
                        return Err(unreadable("un montant n'est pas en euros"));
                    }
                    path.push(tag.local_name().into_inner().to_owned());
                    content.clear();
                    resolved = true;
                }
                Event::Text(text) => content.push_str(&text.xml10_content()),
                Event::CData(text) => content.push_str(&text.xml10_content()),
                Event::GeneralRef(_) => resolved = false,
                Event::End(_) => {
                    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
                    reading.take(&steps, content.trim(), resolved)?;
                    path.pop();
                    content.clear();
                }
                Event::DocType(_) => return Err(unreadable("un type de document n'est pas admis")),
                Event::Eof if rooted && path.is_empty() => return reading.finish(),
                Event::Eof => return Err(unreadable("il est incomplet")),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }
}

impl Reading {
    /// Takes an element that ends, if it counts. `resolved` is false when its text holds an entity.
    fn take(&mut self, path: &[&str], text: &str, resolved: bool) -> Result<(), Error> {
        let ["Document", "CstmrPmtStsRpt", rest @ ..] = path else { return Ok(()) };
        let id = || {
            let fits = resolved
                && (1..=ID_MAX).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
            if fits {
                Ok(Some(text.to_owned()))
            } else {
                Err(unreadable("un identifiant ou un code n'est pas lisible"))
            }
        };
        match rest {
            ["OrgnlGrpInfAndSts", "OrgnlMsgId"] => self.message_id = id()?,
            ["OrgnlPmtInfAndSts", "OrgnlPmtInfId"] => self.order_ids.extend(id()?),
            ["OrgnlGrpInfAndSts" | "OrgnlPmtInfAndSts", "OrgnlNbOfTxs"] => {
                self.counts.insert(text.parse().map_err(|_| unreadable("un nombre n'est pas lisible"))?);
            }
            ["OrgnlGrpInfAndSts" | "OrgnlPmtInfAndSts", "OrgnlCtrlSum"] => {
                self.sums.insert(cents(text)?);
            }
            ["OrgnlGrpInfAndSts", "GrpSts"] => self.group.word = Some(word(text)?),
            ["OrgnlGrpInfAndSts", "StsRsnInf", "Rsn", "Cd" | "Prtry"] => self.group.reason = id()?,
            ["OrgnlPmtInfAndSts", "PmtInfSts"] => self.order.word = Some(word(text)?),
            ["OrgnlPmtInfAndSts", "StsRsnInf", "Rsn", "Cd" | "Prtry"] => self.order.reason = id()?,
            ["OrgnlPmtInfAndSts", "TxInfAndSts", "OrgnlEndToEndId"] => self.transfer.id = id()?,
            ["OrgnlPmtInfAndSts", "TxInfAndSts", "OrgnlTxRef", "Amt", "InstdAmt"] => {
                self.transfer.amount = Some(cents(text)?);
            }
            ["OrgnlPmtInfAndSts", "TxInfAndSts", "TxSts"] => self.transfer.word = Some(word(text)?),
            ["OrgnlPmtInfAndSts", "TxInfAndSts", "StsRsnInf", "Rsn", "Cd" | "Prtry"] => self.transfer.reason = id()?,
            ["OrgnlPmtInfAndSts", "TxInfAndSts"] => {
                let Status { id, amount, word, reason } = std::mem::take(&mut self.transfer);
                // A transfer without a status of its own has that of its order.
                let word = word.or(self.order.word).or(self.group.word);
                let (Some(end_to_end_id), Some(word)) = (id, word) else {
                    return Err(unreadable("un virement n'a pas d'identifiant ou de statut"));
                };
                self.transfers.push(Named { end_to_end_id, amount, verdict: Verdict { word, reason } });
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<BankReturn, Error> {
        let message_id = self.message_id.ok_or_else(|| unreadable("il ne dit pas à quel message il répond"))?;
        let once: BTreeSet<&str> = self.transfers.iter().map(|named| named.end_to_end_id.as_str()).collect();
        if once.len() != self.transfers.len() {
            return Err(unreadable("un virement y figure deux fois"));
        }
        let all_rejected = [&self.order, &self.group].iter().any(|status| status.word == Some(BankWord::Rejected));
        if all_rejected && self.transfers.iter().any(|named| named.verdict.word == BankWord::Accepted) {
            return Err(unreadable("il rejette l'ensemble et accepte un virement"));
        }
        let Self { order_ids, counts, sums, group, order, transfers, .. } = self;
        let whole = [order, group].into_iter().find(|status| status.word.is_some());
        let whole = whole.and_then(|status| Some(Verdict { word: status.word?, reason: status.reason }));
        let whole = whole.filter(|_| transfers.is_empty());
        if whole.is_none() && transfers.is_empty() {
            return Err(unreadable("il ne porte aucun statut"));
        }
        Ok(BankReturn { message_id, order_ids, counts, sums, whole, transfers })
    }
}

#[cfg(test)]
mod tests;
