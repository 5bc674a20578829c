//! The ledger in its plainest form: what the money functions must answer and leave behind, told without a database.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use passplus::{kernel::time::paris_date, ledger::TransferKind, ledger::model::Entry};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A till's hold stands that long, as the department's rules say at first.
const HOLD: TimeDelta = TimeDelta::days(7);

pub struct Wallet {
    pub child: usize,
    pub kind: &'static str,
    pub balance: i64,
    pub held: i64,
    pub spend_before: DateTime<Utc>,
    pub capture_before: DateTime<Utc>,
    pub swept: bool,
}

pub struct Hold {
    pub id: Uuid,
    pub till: usize,
    pub wallet: Uuid,
    pub cents: i64,
    pub state: &'static str,
    pub expires_at: DateTime<Utc>,
    pub label: &'static str,
}

pub struct Transfer {
    /// None of a loss whose id the database has made and not told yet.
    pub id: Option<Uuid>,
    pub kind: TransferKind,
    pub wallet: Uuid,
    pub till: Option<usize>,
    pub cents: i64,
    /// What was given back of it.
    pub back: i64,
    pub label: &'static str,
    /// Given back by the void of its key.
    pub voided: bool,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Transfer(usize),
    Hold(usize),
    Refused(String),
}

/// Something asked under a key. Holds and transfers are named by their place in the lists.
#[derive(Debug, Clone)]
pub enum What {
    Debit { child: usize, kind: &'static str, cents: i64, label: &'static str, hold: bool },
    Capture { hold: usize, cents: i64 },
    Refund { transfer: usize, cents: i64 },
    Reverse { transfer: usize, cents: i64 },
}

/// What comes of it: the movement or hold, or the reason why not; and whether that was said before.
pub type Answer = (Result<Uuid, String>, bool);

pub struct Plain {
    pub now: DateTime<Utc>,
    /// Last day of the children's cards.
    pub valid_until: NaiveDate,
    pub wallets: BTreeMap<Uuid, Wallet>,
    pub holds: Vec<Hold>,
    pub transfers: Vec<Transfer>,
    /// By till: each is the only one of its merchant.
    pub owed: [i64; 2],
    pub lost: i64,
    /// By caller (a till, or none for the agent) and key.
    pub keys: BTreeMap<(Option<usize>, Uuid), Kept>,
}

impl Plain {
    /// What is asked under a key, now or again; `id` names what it makes.
    pub fn ask(&mut self, till: Option<usize>, key: Uuid, id: Uuid, what: &What) -> Answer {
        if let Some(kept) = self.keys.get(&(till, key)) {
            let told = match kept {
                Kept::Transfer(at) if self.transfers[*at].voided => Err("voided".to_owned()),
                Kept::Transfer(at) => Ok(self.transfers[*at].id.unwrap()),
                Kept::Hold(at) if self.holds[*at].state == "voided" => Err("voided".to_owned()),
                Kept::Hold(at) => Ok(self.holds[*at].id),
                Kept::Refused(reason) => Err(reason.clone()),
            };
            return (told, true);
        }
        let (kept, told) = match self.decide(till, id, what) {
            Ok(kept) => (kept, Ok(id)),
            // Of what is not the caller's nothing is kept.
            Err(reason) if ["unknown_debit", "unknown_hold"].contains(&&*reason) => return (Err(reason), false),
            Err(reason) => (Kept::Refused(reason.clone()), Err(reason)),
        };
        self.keys.insert((till, key), kept);
        (told, false)
    }

    fn decide(&mut self, till: Option<usize>, id: Uuid, what: &What) -> Result<Kept, String> {
        match *what {
            What::Debit { child, kind, cents, label, hold } => {
                self.debit(till.unwrap(), id, (child, kind), cents, label, hold)
            }
            What::Capture { hold, cents } => self.capture(till.unwrap(), id, hold, cents),
            What::Refund { transfer, cents } => self.refund(till.unwrap(), id, transfer, cents),
            What::Reverse { transfer, cents } => self.reverse(id, transfer, cents),
        }
    }

    fn debit(
        &mut self,
        till: usize,
        id: Uuid,
        (child, kind): (usize, &str),
        cents: i64,
        label: &'static str,
        hold: bool,
    ) -> Result<Kept, String> {
        refuse_if(self.valid_until < paris_date(self.now), "card_expired")?;
        let own = |wallet: &Wallet| wallet.child == child && wallet.kind == kind;
        let (wallet, own) = self.wallets.iter().find(|(_, wallet)| own(wallet)).unwrap();
        refuse_if(own.spend_before <= self.now, "no_open_wallet")?;
        refuse_if(own.balance - own.held < cents, "insufficient_funds")?;
        let other = |wallet: &Uuid| self.wallets[wallet].child == child && self.wallets[wallet].kind != kind;
        let paid = |t: &Transfer| {
            other(&t.wallet)
                && t.kind == TransferKind::Debit
                && t.till == Some(till)
                && t.label == label
                && t.cents > t.back
        };
        let set_aside = |h: &Hold| other(&h.wallet) && h.state == "authorised" && h.till == till && h.label == label;
        refuse_if(self.transfers.iter().any(paid) || self.holds.iter().any(set_aside), "paid_with_other_wallet")?;
        let (wallet, capture_before) = (*wallet, own.capture_before);
        if hold {
            self.wallet(wallet).held += cents;
            let expires_at = (self.now + HOLD).min(capture_before);
            self.holds.push(Hold { id, till, wallet, cents, state: "authorised", expires_at, label });
            return Ok(Kept::Hold(self.holds.len() - 1));
        }
        self.wallet(wallet).balance -= cents;
        self.owed[till] += cents;
        Ok(self.note(Some(id), TransferKind::Debit, wallet, Some(till), cents, label))
    }

    fn capture(&mut self, till: usize, id: Uuid, hold: usize, cents: i64) -> Result<Kept, String> {
        let Hold { wallet, cents: most, label, .. } = self.holds[hold];
        let h = &mut self.holds[hold];
        refuse_if(h.till != till, "unknown_hold")?;
        refuse_if(h.state != "authorised", &format!("hold_{}", h.state))?;
        refuse_if(h.expires_at <= self.now, "hold_expired")?;
        refuse_if(cents > most, "exceeds_hold")?;
        h.state = "captured";
        self.wallet(wallet).held -= most;
        self.wallet(wallet).balance -= cents;
        self.owed[till] += cents;
        let kept = self.note(Some(id), TransferKind::Debit, wallet, Some(till), cents, label);
        self.lose_if_over(wallet, most - cents);
        Ok(kept)
    }

    fn refund(&mut self, till: usize, id: Uuid, transfer: usize, cents: i64) -> Result<Kept, String> {
        let t = &self.transfers[transfer];
        refuse_if(t.kind != TransferKind::Debit || t.till != Some(till), "unknown_debit")?;
        refuse_if(cents + t.back > t.cents, "exceeds_debit")?;
        Ok(self.give_back(till, id, transfer, cents))
    }

    fn give_back(&mut self, till: usize, id: Uuid, debit: usize, cents: i64) -> Kept {
        self.transfers[debit].back += cents;
        let wallet = self.transfers[debit].wallet;
        self.wallet(wallet).balance += cents;
        self.owed[till] -= cents;
        let kept = self.note(Some(id), TransferKind::Refund, wallet, Some(till), cents, self.transfers[debit].label);
        self.lose_if_over(wallet, cents);
        kept
    }

    fn reverse(&mut self, id: Uuid, transfer: usize, cents: i64) -> Result<Kept, String> {
        let Transfer { kind, wallet, till, cents: most, back, label, .. } = self.transfers[transfer];
        let came_in = matches!(kind, TransferKind::Grant | TransferKind::Refund);
        let own = &self.wallets[&wallet];
        refuse_if(kind == TransferKind::Reversal, "unknown_transfer")?;
        refuse_if(cents + back > most, "exceeds_transfer")?;
        refuse_if(came_in && own.balance - own.held < cents, "insufficient_funds")?;
        self.transfers[transfer].back += cents;
        let signed = if came_in { -cents } else { cents };
        self.wallet(wallet).balance += signed;
        match (kind, till) {
            (TransferKind::Expiry, _) => self.lost -= cents,
            (_, Some(till)) => self.owed[till] -= signed,
            _ => {}
        }
        let kept = self.note(Some(id), TransferKind::Reversal, wallet, till, cents, label);
        if kind == TransferKind::Debit {
            self.lose_if_over(wallet, cents);
        }
        Ok(kept)
    }

    /// Lets a hold go, for a till or (none) because its time is over: the state it is in if nothing was done.
    pub fn release(&mut self, till: Option<usize>, hold: usize) -> Option<String> {
        let h = &mut self.holds[hold];
        if till.is_some_and(|till| till != h.till) {
            return Some("unknown_hold".to_owned());
        }
        if h.state != "authorised" || (till.is_none() && h.expires_at > self.now) {
            return Some(h.state.to_owned());
        }
        h.state = if till.is_some() { "voided" } else { "expired" };
        let (wallet, cents) = (h.wallet, h.cents);
        self.wallet(wallet).held -= cents;
        self.lose_if_over(wallet, cents);
        None
    }

    /// Undoes what a till did under a key, or closes the key.
    pub fn void(&mut self, till: usize, key: Uuid, id: Uuid) -> Option<String> {
        match self.keys.get(&(Some(till), key)).cloned() {
            Some(Kept::Transfer(at)) if self.transfers[at].kind != TransferKind::Debit => {
                Some("not_a_debit".to_owned())
            }
            Some(Kept::Transfer(at)) => {
                let rest = self.transfers[at].cents - self.transfers[at].back;
                (rest > 0).then(|| {
                    self.give_back(till, id, at, rest);
                    self.transfers[at].voided = true;
                    "debit".to_owned()
                })
            }
            Some(Kept::Hold(at)) => match self.release(Some(till), at) {
                None => Some("hold".to_owned()),
                Some(state) => (state != "voided").then(|| format!("hold_{state}")),
            },
            Some(Kept::Refused(reason)) => (reason != "voided").then(|| "nothing".to_owned()),
            None => {
                self.keys.insert((Some(till), key), Kept::Refused("voided".to_owned()));
                Some("nothing".to_owned())
            }
        }
    }

    /// Takes back what is available in wallets whose season is over. How many, and the cents lost.
    pub fn sweep(&mut self, limit: usize) -> (i64, i64) {
        let due = self.wallets.iter().filter(|(_, wallet)| wallet.spend_before <= self.now && !wallet.swept);
        let due: Vec<Uuid> = due.map(|(id, _)| *id).take(limit).collect();
        let before = self.lost;
        for wallet in &due {
            let own = self.wallet(*wallet);
            own.swept = true;
            let rest = own.balance - own.held;
            self.lose_if_over(*wallet, rest);
        }
        (i64::try_from(due.len()).unwrap(), self.lost - before)
    }

    /// Learns the ids of losses, which the database gives: each must be there, and no other.
    pub fn learn(&mut self, entries: &[Entry]) {
        let known: BTreeSet<Uuid> = self.transfers.iter().filter_map(|t| t.id).collect();
        let mut new: Vec<&Entry> = entries.iter().filter(|entry| !known.contains(&entry.id.uuid())).collect();
        for loss in self.transfers.iter_mut().filter(|t| t.id.is_none()) {
            let fits = |entry: &&Entry| {
                entry.kind == loss.kind && entry.wallet.uuid() == loss.wallet && entry.amount.get() == loss.cents
            };
            let at = new.iter().position(fits).expect("a loss that the ledger keeps");
            loss.id = Some(new.remove(at).id.uuid());
        }
        assert!(new.is_empty(), "moved without being asked for: {new:?}");
    }

    fn wallet(&mut self, id: Uuid) -> &mut Wallet {
        self.wallets.get_mut(&id).unwrap()
    }

    fn note(
        &mut self,
        id: Option<Uuid>,
        kind: TransferKind,
        wallet: Uuid,
        till: Option<usize>,
        cents: i64,
        label: &'static str,
    ) -> Kept {
        self.transfers.push(Transfer { id, kind, wallet, till, cents, back: 0, label, voided: false });
        Kept::Transfer(self.transfers.len() - 1)
    }

    /// What comes back to a wallet whose season was swept is lost at once.
    fn lose_if_over(&mut self, wallet: Uuid, cents: i64) {
        if self.wallets[&wallet].swept && cents > 0 {
            self.wallet(wallet).balance -= cents;
            self.lost += cents;
            self.note(None, TransferKind::Expiry, wallet, None, cents, "");
        }
    }
}

fn refuse_if(it_is: bool, reason: &str) -> Result<(), String> {
    if it_is { Err(reason.to_owned()) } else { Ok(()) }
}
