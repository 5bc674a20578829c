//! One wallet with all its transfers and holds: replayed from the first transfer, and compared with what its row says.
//!
//! Of a transfer the first thing that is wrong is told. Those after it are looked at as if it were right, so that one edited row is one
//! finding and not a hundred.

use super::{
    chain::{Link, START},
    db::{HoldRow, TransferRow, WalletRow},
    findings::Findings,
    rules::{self, Accounts},
};
use crate::ledger::TransferKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A wallet's rows, transfers in the order of their numbers. No row of the wallet itself: it is gone.
pub struct Wallet {
    pub id: Uuid,
    pub row: Option<WalletRow>,
    pub transfers: Vec<TransferRow>,
    pub holds: Vec<HoldRow>,
}

/// What its transfers and holds make.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    pub balance: i128,
    pub held: i128,
}

impl Wallet {
    /// Names every row that is wrong. Returns what the wallet must contain.
    pub fn check(&self, accounts: &Accounts, findings: &mut Findings) -> Sums {
        let mut replay = Replay::new(accounts);
        for transfer in &self.transfers {
            if let Some((check, detail)) = replay.step(transfer) {
                findings.add(check, "transfers", transfer.id, detail);
            }
        }
        let held = replay.holds(&self.holds, findings);
        let sums = Sums { balance: replay.sum, held };
        match &self.row {
            Some(row) => replay.row(row, sums, findings),
            None => findings.add(
                "orphan",
                "wallets",
                self.id,
                "transfers or holds are of this wallet, which does not exist",
            ),
        }
        sums
    }

    /// How far the row is from what the transfers and holds make.
    pub fn drift(&self, sums: Sums) -> u128 {
        let (balance, held) =
            self.row.as_ref().map_or((0, 0), |row| (i128::from(row.balance_cents), i128::from(row.held_cents)));
        balance.abs_diff(sums.balance).saturating_add(held.abs_diff(sums.held))
    }

    /// What its row contains and what its transfers brought to other accounts: nothing, all in all, or cents came out of nothing.
    pub fn total(&self) -> i128 {
        let own = self.row.as_ref().map_or(0, |row| i128::from(row.balance_cents));
        self.transfers.iter().fold(own, |sum, t| sum.saturating_sub(signed(t)))
    }

    /// The hash after its transfer of that number: `None` when there is no such transfer, or two.
    pub fn link_at(&self, version: i64) -> Option<&[u8]> {
        let mut found = self.transfers.iter().filter(|transfer| transfer.wallet_version == version);
        match (version, found.next(), found.next()) {
            (0, None, _) => Some(&START),
            (_, Some(transfer), None) => Some(&transfer.hash),
            _ => None,
        }
    }
}

type Flaw = (&'static str, String);

struct Replay<'w> {
    accounts: &'w Accounts,
    version: i64,
    link: Link,
    /// As the last transfer says it.
    balance: i64,
    /// As the amounts make it.
    sum: i128,
    names_requests: bool,
    grants: BTreeSet<&'w str>,
    before: HashMap<Uuid, &'w TransferRow>,
    given_back: HashMap<Uuid, i128>,
    captures: BTreeMap<Uuid, &'w TransferRow>,
    /// Losses that were taken back: what a swept wallet may still contain.
    losses_back: i128,
}

impl<'w> Replay<'w> {
    fn new(accounts: &'w Accounts) -> Self {
        Self {
            accounts,
            version: 0,
            link: START,
            balance: 0,
            sum: 0,
            names_requests: false,
            grants: BTreeSet::new(),
            before: HashMap::new(),
            given_back: HashMap::new(),
            captures: BTreeMap::new(),
            losses_back: 0,
        }
    }

    /// Takes the next transfer, whatever it is, and says what is wrong with it.
    fn step(&mut self, t: &'w TransferRow) -> Option<Flaw> {
        let flaw = self.flaw(t);
        self.version = t.wallet_version;
        self.link = t.hash.as_slice().try_into().unwrap_or(START);
        self.balance = t.balance_after_cents;
        self.sum = self.sum.saturating_add(signed(t));
        self.names_requests |= t.request_id.is_some();
        self.grants.extend(t.grant_kind.as_deref());
        if let Some(target) = t.reverses {
            let back = self.given_back.entry(target).or_default();
            *back = back.saturating_add(i128::from(t.amount_cents));
            if self.before.get(&target).is_some_and(|moved| moved.kind == "expiry") {
                self.losses_back = self.losses_back.saturating_add(i128::from(t.amount_cents));
            }
        }
        if let Some(hold) = t.hold_id {
            self.captures.entry(hold).or_insert(t);
        }
        self.before.insert(t.id, t);
        flaw
    }

    fn flaw(&self, t: &TransferRow) -> Option<Flaw> {
        let next = self.version.saturating_add(1);
        if t.wallet_version != next {
            return flaw("numbering", format!("number {} stands where {next} must be", t.wallet_version));
        }
        let Some(record) = t.record() else { return flaw("shape", format!("{} is no kind of transfer", t.kind)) };
        if record.link(&self.link).as_slice() != t.hash {
            return flaw("link", "its hash is not that of its fields after the transfer before it".to_owned());
        }
        if !rules::has_shape(t, record.kind, self.accounts) {
            return flaw("shape", format!("it does not move cents between the accounts of a {}", t.kind));
        }
        if !rules::has_cause(t, record.kind) {
            return flaw("cause", format!("it does not say who asked for it and why, as a {} must", t.kind));
        }
        if self.names_requests && t.request_id.is_none() {
            return flaw("cause", "no request made it, and requests made those before it".to_owned());
        }
        let after = i128::from(self.balance).saturating_add(signed(t));
        if i128::from(t.balance_after_cents) != after || after < 0 {
            return flaw(
                "balance_after",
                format!("{} cents after it, its amount makes {after}", t.balance_after_cents),
            );
        }
        match record.kind {
            TransferKind::Grant => t
                .grant_kind
                .as_deref()
                .filter(|kind| self.grants.contains(kind))
                .and_then(|kind| flaw("grant", format!("this wallet had its {kind} grant before"))),
            TransferKind::Debit => t
                .hold_id
                .filter(|hold| self.captures.contains_key(hold))
                .and_then(|hold| flaw("hold", format!("the hold {hold} was captured before"))),
            TransferKind::Refund | TransferKind::Reversal => self.gives_back_wrongly(t),
            TransferKind::Expiry => None,
        }
    }

    fn gives_back_wrongly(&self, t: &TransferRow) -> Option<Flaw> {
        let target = t.reverses?;
        let Some(moved) = self.before.get(&target) else {
            return flaw("reverses", format!("the transfer {target} that it reverses is not before it in its wallet"));
        };
        if !rules::mirrors(t, moved) {
            return flaw("reverses", format!("it is not the {} {target} backwards", moved.kind));
        }
        let back = self.given_back.get(&target).copied().unwrap_or_default().saturating_add(i128::from(t.amount_cents));
        if back > i128::from(moved.amount_cents) {
            return flaw("reverses", format!("with it {back} cents come back of {} in {target}", moved.amount_cents));
        }
        None
    }

    /// Every hold is as its state says and captured by its one debit, and every debit of a hold has one. Returns the cents still held.
    fn holds(&mut self, holds: &[HoldRow], findings: &mut Findings) -> i128 {
        let mut held = 0_i128;
        for hold in holds {
            let capture = self.captures.remove(&hold.id);
            if hold.state == "authorised" {
                held = held.saturating_add(i128::from(hold.amount_cents));
            }
            let fits = hold.amount_cents > 0
                && match (hold.state.as_str(), &hold.closed_at, capture) {
                    ("authorised", None, None) | ("voided" | "expired", Some(_), None) => hold.captured_cents == 0,
                    ("captured", Some(closed_at), Some(debit)) => {
                        hold.captured_cents == debit.amount_cents
                            && hold.captured_cents <= hold.amount_cents
                            && hold.merchant_id.is_none_or(|merchant| debit.merchant_id == Some(merchant))
                            && *closed_at == debit.at
                    }
                    _ => false,
                };
            if !fits {
                let by = capture
                    .map_or("no debit".to_owned(), |t| format!("the debit {} of {} cents", t.id, t.amount_cents));
                let detail = format!(
                    "{} with {} of {} cents captured, by {by}",
                    hold.state, hold.captured_cents, hold.amount_cents
                );
                findings.add("hold", "holds", hold.id, detail);
            }
        }
        for (hold, debit) in std::mem::take(&mut self.captures) {
            findings.add(
                "hold",
                "transfers",
                debit.id,
                format!("the hold {hold} that it captures is not in its wallet"),
            );
        }
        held
    }

    /// The wallet's own columns against all that was replayed.
    fn row(&self, row: &WalletRow, sums: Sums, findings: &mut Findings) {
        let mut wrong = |check, detail: String| findings.add(check, "wallets", row.id, detail);
        if row.version != self.version {
            wrong("wallet_version", format!("version {}, its last transfer has number {}", row.version, self.version));
        }
        if row.head != self.link {
            wrong("wallet_head", "its head is not the hash of its last transfer".to_owned());
        }
        if i128::from(row.balance_cents) != sums.balance {
            wrong("wallet_balance", format!("{} cents, its transfers make {}", row.balance_cents, sums.balance));
        }
        if i128::from(row.held_cents) != sums.held {
            wrong("wallet_held", format!("{} cents held, its open holds make {}", row.held_cents, sums.held));
        }
        if row.held_cents < 0 || row.balance_cents < row.held_cents {
            wrong("wallet_bounds", format!("{} cents held of {}", row.held_cents, row.balance_cents));
        }
        if !row.is_of_enrolment {
            wrong("wallet_enrolment", "its child, family and season are not those of its enrolment".to_owned());
        }
        let available = i128::from(row.balance_cents).saturating_sub(i128::from(row.held_cents));
        if row.swept && (available > self.losses_back || !row.swept_in_time) {
            wrong("wallet_swept", format!("{available} cents are available after the end of its season was settled"));
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what it makes is returned as it is")]
const fn flaw(check: &'static str, detail: String) -> Option<Flaw> {
    Some((check, detail))
}

fn signed(t: &TransferRow) -> i128 {
    let cents = i128::from(t.amount_cents);
    if t.comes_in() { cents } else { cents.saturating_neg() }
}
