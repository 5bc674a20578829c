//! The books of a department, read past every policy, and what they must prove at any time.

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_types};
use passplus::{
    kernel::{
        ids::{TransferId, WalletId},
        money::Cents,
    },
    ledger::model::{self, Entry},
};
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(QueryableByName)]
struct TransferRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Uuid)]
    from_account: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    to_account: Uuid,
    #[diesel(sql_type = sql_types::BigInt)]
    amount_cents: i64,
    #[diesel(sql_type = sql_types::Uuid)]
    wallet_id: Uuid,
    #[diesel(sql_type = sql_types::BigInt)]
    wallet_version: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    balance_after_cents: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    reverses: Option<Uuid>,
    /// Whether its hash is the link to the one before it in its wallet.
    #[diesel(sql_type = sql_types::Bool)]
    linked: bool,
}

const TRANSFERS: &str = "
    select id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, reverses,
           hash = ledger_link(
               coalesce(lag(hash) over (partition by wallet_id order by wallet_version), decode(repeat('00', 32), 'hex')),
               ledger_body(kind, id, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at,
                           client_id, key, merchant_id, reverses, hold_id, request_id, fingerprint, coalesce(grant_kind, reason))) as linked
      from transfers order by id";

#[derive(QueryableByName)]
struct WalletRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::BigInt)]
    balance_cents: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    held_cents: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    version: i64,
    /// Cents of its holds that still stand.
    #[diesel(sql_type = sql_types::BigInt)]
    authorised: i64,
    /// Whether its head is the hash of its last transfer.
    #[diesel(sql_type = sql_types::Bool)]
    headed: bool,
}

const WALLETS: &str = "
    select w.id, w.balance_cents, w.held_cents, w.version,
           (select coalesce(sum(amount_cents), 0) from holds where wallet_id = w.id and state = 'authorised')::bigint as authorised,
           w.head = coalesce((select hash from transfers where wallet_id = w.id and wallet_version = w.version),
                             decode(repeat('00', 32), 'hex')) as headed
      from wallets w";

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = sql_types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    kind: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    merchant_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::BigInt)]
    cents: i64,
}

const SUMS: &str = "
    select e.account_id, a.kind, a.merchant_id, sum(e.cents)::bigint as cents
      from ledger_entries e left join ledger_accounts a on a.id = e.account_id group by 1, 2, 3";

/// Everything a department's database keeps of money.
pub struct Books {
    pub entries: Vec<Entry>,
    unlinked: Vec<Uuid>,
    wallets: BTreeMap<Uuid, WalletRow>,
    sums: Vec<SumRow>,
}

impl Books {
    pub fn of(superuser: &mut PgConnection) -> Self {
        let rows: Vec<TransferRow> = diesel::sql_query(TRANSFERS).load(superuser).unwrap();
        let unlinked = rows.iter().filter(|row| !row.linked).map(|row| row.id).collect();
        let entries = rows.into_iter().map(|row| Entry {
            id: TransferId::from_uuid(row.id),
            kind: row.kind.parse().unwrap(),
            from_account: row.from_account,
            to_account: row.to_account,
            amount: Cents::new(row.amount_cents),
            wallet: WalletId::from_uuid(row.wallet_id),
            wallet_version: row.wallet_version,
            balance_after: Cents::new(row.balance_after_cents),
            reverses: row.reverses.map(TransferId::from_uuid),
        });
        let entries = entries.collect();
        let wallets: Vec<WalletRow> = diesel::sql_query(WALLETS).load(superuser).unwrap();
        let wallets = wallets.into_iter().map(|row| (row.id, row)).collect();
        Self { entries, unlinked, wallets, sums: diesel::sql_query(SUMS).load(superuser).unwrap() }
    }

    pub fn balance(&self, wallet: &str) -> i64 {
        self.wallets[&wallet.parse().unwrap()].balance_cents
    }

    /// What is set aside in a wallet.
    pub fn held(&self, wallet: &str) -> i64 {
        self.wallets[&wallet.parse().unwrap()].held_cents
    }

    /// What a merchant is owed.
    pub fn owed(&self, merchant: &str) -> i64 {
        self.sums.iter().find(|sum| sum.merchant_id == merchant.parse().ok()).map_or(0, |sum| sum.cents)
    }

    /// What was lost at the end of seasons.
    pub fn lost(&self) -> i64 {
        self.sums.iter().find(|sum| sum.kind.as_deref() == Some("expired")).map_or(0, |sum| sum.cents)
    }

    /// Every promise of the ledger: transfers that make the balances, numbered without a hole and chained, what is held covered by holds,
    /// and nothing out of nothing.
    pub fn prove(&self) -> Result<(), String> {
        let proved = model::prove(&self.entries).map_err(|flaw| flaw.to_string())?;
        let mut lines: BTreeMap<Uuid, i64> = BTreeMap::new();
        for entry in &self.entries {
            *lines.entry(entry.wallet.uuid()).or_default() += 1;
        }
        for (id, WalletRow { balance_cents, held_cents, version, authorised, headed, .. }) in &self.wallets {
            let told = proved.get(&WalletId::from_uuid(*id)).map_or(0, |cents| cents.get());
            let lines = lines.get(id).copied().unwrap_or_default();
            if told != *balance_cents || *version != lines {
                return Err(format!(
                    "wallet {id} keeps {balance_cents} after {version} lines: {lines} transfers make {told}"
                ));
            }
            if held_cents != authorised || held_cents > balance_cents {
                return Err(format!(
                    "wallet {id} of {balance_cents} sets {held_cents} aside: its holds make {authorised}"
                ));
            }
            if !headed {
                return Err(format!("wallet {id}: its head is not its last transfer"));
            }
        }
        if let Some(id) = self.unlinked.first() {
            return Err(format!("transfer {id} is not chained to the one before it"));
        }
        let sums = model::balances(&self.entries).ok_or("a sum passes the bounds")?;
        for sum in &self.sums {
            if sums.get(&sum.account_id).map(|cents| cents.get()) != Some(sum.cents) {
                return Err(format!("account {}: the entries sum up to {}", sum.account_id, sum.cents));
            }
        }
        let all: i64 = self.sums.iter().map(|sum| sum.cents).sum();
        if all == 0 { Ok(()) } else { Err(format!("{all} cents out of nothing")) }
    }
}
