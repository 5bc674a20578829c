use super::*;
use proptest::{prelude::*, sample::Index};

/// What somebody tries on a wallet.
#[derive(Debug, Clone)]
enum Try {
    Grant(i64),
    Debit(i64),
    Refund(Index, i64),
}

fn any_try() -> impl Strategy<Value = (usize, Try)> {
    let amount = 1_i64..5_000;
    let attempt = prop_oneof![
        amount.clone().prop_map(Try::Grant),
        amount.clone().prop_map(Try::Debit),
        (any::<Index>(), amount).prop_map(|(debit, amount)| Try::Refund(debit, amount)),
    ];
    (0_usize..3, attempt)
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(u128::try_from(number).unwrap() + 1)
}

/// A ledger that accepts what it should, kept in the plainest way: balances in an array.
fn history(tries: Vec<(usize, Try)>) -> (Vec<Entry>, [i64; 3]) {
    let (funding, merchant) = (id(100), id(101));
    let mut balances = [0; 3];
    let mut versions = [0; 3];
    let mut entries: Vec<Entry> = Vec::new();
    for (wallet, attempt) in tries {
        let own = id(wallet);
        let (kind, from_account, to_account, amount, reverses) = match attempt {
            Try::Grant(amount) => (TransferKind::Grant, funding, own, amount, None),
            Try::Debit(amount) if amount <= balances[wallet] => (TransferKind::Debit, own, merchant, amount, None),
            Try::Debit(_) => continue,
            Try::Refund(which, amount) => {
                let debits = entries.iter().filter(|e| e.kind == TransferKind::Debit && e.wallet.uuid() == own);
                let debits: Vec<&Entry> = debits.collect();
                let Some(debit) = (!debits.is_empty()).then(|| *which.get(&debits)) else { continue };
                let given = entries.iter().filter(|e| e.reverses == Some(debit.id)).map(|e| e.amount.get());
                if given.sum::<i64>() + amount > debit.amount.get() {
                    continue;
                }
                (TransferKind::Refund, merchant, own, amount, Some(debit.id))
            }
        };
        balances[wallet] += if kind == TransferKind::Debit { -amount } else { amount };
        versions[wallet] += 1;
        entries.push(Entry {
            id: TransferId::from_uuid(id(1_000 + entries.len())),
            kind,
            from_account,
            to_account,
            amount: Cents::new(amount),
            wallet: WalletId::from_uuid(own),
            wallet_version: versions[wallet],
            balance_after: Cents::new(balances[wallet]),
            reverses,
        });
    }
    (entries, balances)
}

fn any_history() -> impl Strategy<Value = (Vec<Entry>, [i64; 3])> {
    prop::collection::vec(any_try(), 1..60).prop_map(history)
}

proptest! {
    #[test]
    fn the_transfers_alone_tell_every_balance((entries, kept) in any_history()) {
        let sums = balances(&entries).unwrap();
        let proved = prove(&entries).unwrap();
        for (wallet, balance) in kept.iter().enumerate() {
            prop_assert_eq!(sums.get(&id(wallet)).map_or(0, |cents| cents.get()), *balance);
            prop_assert_eq!(proved.get(&WalletId::from_uuid(id(wallet))).map_or(0, |cents| cents.get()), *balance);
        }
        // Nothing appears and nothing is lost.
        prop_assert_eq!(Cents::checked_sum(sums.into_values()), Some(Cents::ZERO));
    }

    #[test]
    fn the_order_of_reading_does_not_matter((entries, _) in any_history(), turn in any::<Index>()) {
        let mut turned = entries.clone();
        turned.rotate_left(if entries.is_empty() { 0 } else { turn.index(entries.len()) });
        prop_assert_eq!(prove(&turned), prove(&entries));
        prop_assert_eq!(balances(&turned), balances(&entries));
    }

    #[test]
    fn an_edited_or_missing_line_shows((entries, _) in any_history(), which in any::<Index>(), more in 1_i64..100) {
        prop_assume!(!entries.is_empty());
        let at = which.index(entries.len());
        let mut edited = entries.clone();
        edited[at].amount = Cents::new(edited[at].amount.get() + more);
        prop_assert!(prove(&edited).is_err());
        // Cutting a wallet's last line is what its own balance shows; any other hole shows by itself.
        let last = !entries[at + 1..].iter().any(|entry| entry.wallet == entries[at].wallet);
        let mut cut = entries.clone();
        cut.remove(at);
        prop_assert_eq!(prove(&cut).is_ok(), last);
    }
}

#[test]
fn a_refund_beyond_its_debit_shows() {
    let (entries, _) = history(vec![(0, Try::Grant(1_000)), (0, Try::Debit(600))]);
    let debit = entries[1].clone();
    let refund = |amount| Entry {
        id: TransferId::from_uuid(id(2_000)),
        kind: TransferKind::Refund,
        from_account: debit.to_account,
        to_account: debit.from_account,
        amount: Cents::new(amount),
        wallet_version: 3,
        balance_after: Cents::new(400 + amount),
        reverses: Some(debit.id),
        ..debit.clone()
    };
    let with = |last: Entry| prove(&[entries.clone(), vec![last]].concat());
    assert!(with(refund(600)).is_ok());
    assert_eq!(with(refund(601)), Err(Flaw::Refund(refund(601).id)));
    assert_eq!(with(Entry { from_account: id(55), ..refund(1) }), Err(Flaw::Refund(refund(1).id)));
    assert_eq!(with(Entry { reverses: None, ..refund(1) }), Err(Flaw::Shape(refund(1).id)));
}

#[test]
fn sums_beyond_the_bounds_are_no_sums() {
    let (entries, _) = history(vec![(0, Try::Grant(i64::MAX)), (1, Try::Grant(i64::MAX))]);
    assert_eq!(balances(&entries), None);
}
