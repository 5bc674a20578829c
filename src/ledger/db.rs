//! The money functions as typed SQL, so that their statements are prepared once a connection, and what is read of wallets.

use super::{Debit, Declined, Movement, Outcome, Refund, TransferKind, Until};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{ChildId, EnrolmentId, LedgerAccountId, MerchantId, TransferId, WalletId},
        money::Cents,
        text::Label,
        words::{GrantKind, WalletKind},
    },
    schema::department::{affiliations, children, enrolments, ledger_accounts, transfers, wallets},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{PgConnection, prelude::*, sql_types};
use std::collections::BTreeMap;

/// `ledger_outcome` of the database, field by field.
pub type OutcomeType = sql_types::Record<(
    sql_types::Nullable<sql_types::Text>,
    sql_types::Bool,
    sql_types::Nullable<sql_types::Uuid>,
    sql_types::Nullable<sql_types::Timestamptz>,
    sql_types::Nullable<sql_types::BigInt>,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Nullable<sql_types::Date>,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Nullable<sql_types::Timestamptz>,
)>;

pub type OutcomeRow = (
    Option<Declined>,
    bool,
    Option<TransferId>,
    Option<DateTime<Utc>>,
    Option<Cents>,
    Option<WalletKind>,
    Option<Label>,
    Option<NaiveDate>,
    Option<String>,
    Option<String>,
    Option<DateTime<Utc>>,
);

/// `ledger_swept` of the database: the places of what was done, from 1, with the holders' names.
type SweptType = sql_types::Record<(
    sql_types::Timestamptz,
    sql_types::Nullable<sql_types::Array<sql_types::BigInt>>,
    sql_types::Nullable<sql_types::Array<sql_types::Text>>,
    sql_types::Nullable<sql_types::Array<sql_types::Text>>,
)>;

type SweptRow = (DateTime<Utc>, Option<Vec<i64>>, Option<Vec<String>>, Option<Vec<String>>);

diesel::define_sql_function! {
    #[expect(clippy::too_many_arguments, reason = "everything of a grant goes in one statement")]
    fn ledger_grant(
        request: sql_types::Uuid, transfer: sql_types::Uuid, wallet: sql_types::Uuid, enrolment: sql_types::Uuid, kind: sql_types::Text,
        grant_kind: sql_types::Text, amount: sql_types::BigInt, spend_before: sql_types::Timestamptz,
        capture_before: sql_types::Timestamptz,
    ) -> sql_types::Bool;
}
diesel::define_sql_function! {
    #[expect(clippy::too_many_arguments, reason = "everything of a debit goes in one statement")]
    fn ledger_debit(
        client: sql_types::Uuid, merchant: sql_types::Uuid, request: sql_types::Uuid, transfer: sql_types::Uuid, key: sql_types::Uuid,
        fingerprint: sql_types::Binary, card: sql_types::Binary, wallet_kind: sql_types::Text, amount: sql_types::BigInt,
        activity_label: sql_types::Text, activity_date: sql_types::Date, hold: sql_types::Bool,
    ) -> OutcomeType;
}
diesel::define_sql_function! {
    #[expect(clippy::too_many_arguments, reason = "everything of the debits goes in one statement")]
    fn ledger_debits(
        client: sql_types::Array<sql_types::Uuid>, merchant: sql_types::Array<sql_types::Uuid>,
        request: sql_types::Array<sql_types::Uuid>, transfer: sql_types::Array<sql_types::Uuid>,
        key: sql_types::Array<sql_types::Uuid>, fingerprint: sql_types::Array<sql_types::Binary>,
        card: sql_types::Array<sql_types::Binary>, wallet_kind: sql_types::Array<sql_types::Text>,
        amount: sql_types::Array<sql_types::BigInt>, activity_label: sql_types::Array<sql_types::Text>,
        activity_date: sql_types::Array<sql_types::Date>,
    ) -> SweptType;
}
diesel::define_sql_function! {
    fn ledger_refund(
        request: sql_types::Uuid, transfer: sql_types::Uuid, key: sql_types::Uuid, fingerprint: sql_types::Binary,
        debit: sql_types::Uuid, amount: sql_types::BigInt,
    ) -> OutcomeType;
}

/// The statement of [`debit`] as it reaches PostgreSQL: the benchmark sends the very same one without the service.
pub const DEBIT_SQL: &str = "SELECT ledger_debit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

impl TryFrom<OutcomeRow> for Outcome {
    type Error = Error;
    fn try_from(row: OutcomeRow) -> Result<Self, Error> {
        let (reason, replayed, id, at, amount, wallet_kind, label, date, first_name, initial, expires_at) = row;
        let movement = || {
            Some(Movement {
                id: id?,
                at: at?,
                amount: amount?,
                wallet_kind: wallet_kind?,
                activity_label: label,
                activity_date: date,
                holder_first_name: first_name?,
                holder_initial: initial?,
                expires_at,
            })
        };
        let result = match reason {
            Some(reason) => Err(reason),
            None => Ok(movement().ok_or_else(|| Error::internal("the ledger answered half a movement"))?),
        };
        Ok(Self { replayed, result })
    }
}

pub fn grant(
    tx: &mut Tx<'_>,
    transfer: TransferId,
    enrolment: EnrolmentId,
    wallet: WalletKind,
    kind: GrantKind,
    amount: Cents,
    until: Until,
) -> Result<bool, Error> {
    let step = ledger_grant(
        tx.caller.request,
        transfer,
        WalletId::generate(),
        enrolment,
        wallet,
        kind,
        amount,
        until.spend_before,
        until.capture_before,
    );
    Ok(diesel::select(step).get_result(tx.conn)?)
}

pub fn base_grants(tx: &mut Tx<'_>, enrolment: EnrolmentId) -> Result<Vec<(WalletKind, Cents)>, Error> {
    Ok(transfers::table
        .inner_join(wallets::table.on(wallets::id.eq(transfers::wallet_id)))
        // Wallets are found by their child and season.
        .inner_join(
            enrolments::table
                .on(enrolments::child_id.eq(wallets::child_id).and(enrolments::season.eq(wallets::season))),
        )
        .filter(enrolments::id.eq(enrolment).and(wallets::enrolment_id.eq(enrolment)))
        .filter(transfers::grant_kind.eq(GrantKind::Base))
        .order(wallets::kind)
        .select((wallets::kind, transfers::amount_cents))
        .load(tx.conn)?)
}

/// One debit, or one hold: the whole transaction when `conn` is the ledger's own.
pub fn debit(conn: &mut PgConnection, debit: &Debit, hold: bool) -> Result<OutcomeRow, Error> {
    let step = ledger_debit(
        debit.permit.device,
        debit.permit.merchant,
        debit.permit.request,
        debit.transfer,
        debit.key,
        &debit.fingerprint,
        &debit.card_fingerprint,
        debit.wallet,
        debit.amount.cents(),
        &debit.activity_label,
        debit.activity_date,
        hold,
    );
    Ok(diesel::select(step).get_result(conn)?)
}

/// The debits of these that are plainly in order, in one statement: outcomes in the order of the debits, none for those left untouched.
pub fn debits(conn: &mut PgConnection, debits: &[Debit]) -> Result<Vec<Option<Outcome>>, Error> {
    fn each<'a, T>(debits: &'a [Debit], of: impl Fn(&'a Debit) -> T) -> Vec<T> {
        debits.iter().map(of).collect()
    }
    let step = ledger_debits(
        each(debits, |d| d.permit.device),
        each(debits, |d| d.permit.merchant),
        each(debits, |d| d.permit.request),
        each(debits, |d| d.transfer),
        each(debits, |d| d.key),
        each(debits, |d| d.fingerprint.as_slice()),
        each(debits, |d| d.card_fingerprint.as_slice()),
        each(debits, |d| d.wallet),
        each(debits, |d| d.amount.cents()),
        each(debits, |d| d.activity_label.as_str()),
        each(debits, |d| d.activity_date),
    );
    let (at, done, first_names, initials): SweptRow = diesel::select(step).get_result(conn)?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; debits.len()];
    let names = first_names.unwrap_or_default().into_iter().zip(initials.unwrap_or_default());
    for (place, (holder_first_name, holder_initial)) in done.unwrap_or_default().into_iter().zip(names) {
        let rank = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
        let slot = rank.and_then(|rank| Some((outcomes.get_mut(rank)?, debits.get(rank)?)));
        let (outcome, debit) = slot.ok_or_else(|| Error::internal("the ledger answered beside the question"))?;
        let movement = Movement {
            id: debit.transfer,
            at,
            amount: debit.amount.cents(),
            wallet_kind: debit.wallet,
            activity_label: Some(debit.activity_label.clone()),
            activity_date: Some(debit.activity_date),
            holder_first_name,
            holder_initial,
            expires_at: None,
        };
        *outcome = Some(Outcome { replayed: false, result: Ok(movement) });
    }
    Ok(outcomes)
}

pub fn refund(tx: &mut Tx<'_>, refund: Refund) -> Result<OutcomeRow, Error> {
    let step = ledger_refund(
        tx.caller.request,
        TransferId::generate(),
        refund.key,
        refund.fingerprint,
        refund.debit,
        refund.amount.cents(),
    );
    Ok(diesel::select(step).get_result(tx.conn)?)
}

/// One account a merchant: of two that open it at once, the second waits and finds the first's.
pub fn merchant_account(tx: &mut Tx<'_>, merchant: MerchantId) -> Result<LedgerAccountId, Error> {
    diesel::insert_into(ledger_accounts::table)
        .values((
            ledger_accounts::id.eq(LedgerAccountId::generate()),
            ledger_accounts::kind.eq("merchant"),
            ledger_accounts::merchant_id.eq(merchant),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(ledger_accounts::table
        .filter(ledger_accounts::merchant_id.eq(merchant))
        .select(ledger_accounts::id)
        .first(tx.conn)?)
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = wallets)]
pub struct WalletRow {
    pub id: WalletId,
    pub season: String,
    pub kind: WalletKind,
    #[diesel(column_name = balance_cents)]
    pub balance: Cents,
    #[diesel(column_name = held_cents)]
    pub held: Cents,
    pub spend_before: DateTime<Utc>,
}

/// One row a wallet; one empty row for a visible child without wallets.
pub fn wallets_of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<Option<WalletRow>>, Error> {
    Ok(children::table
        .left_join(wallets::table.on(wallets::child_id.eq(children::id)))
        .filter(children::id.eq(child))
        .order((wallets::season.desc(), wallets::kind.asc()))
        .select(Option::<WalletRow>::as_select())
        .load(tx.conn)?)
}

/// Those of a child's wallets whose enrolment is active: the others pay nothing.
pub fn paying_wallets(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<WalletId>, Error> {
    Ok(wallets::table
        .inner_join(enrolments::table.on(enrolments::id.eq(wallets::enrolment_id)))
        .filter(wallets::child_id.eq(child).and(enrolments::state.eq("active")))
        .select(wallets::id)
        .load(tx.conn)?)
}

/// Not found when the caller may not see it.
pub fn see_wallet(tx: &mut Tx<'_>, wallet: WalletId) -> Result<WalletId, Error> {
    Ok(wallets::table.find(wallet).select(wallets::id).first(tx.conn)?)
}

/// Season and kind of a wallet, and the first names of whose it is. Not found when the caller may not see it.
pub fn holder(tx: &mut Tx<'_>, wallet: WalletId) -> Result<(String, WalletKind, String), Error> {
    Ok(wallets::table
        .inner_join(children::table.on(children::id.eq(wallets::child_id)))
        .filter(wallets::id.eq(wallet))
        .select((wallets::season, wallets::kind, children::first_names))
        .first(tx.conn)?)
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = transfers)]
pub struct LineRow {
    pub id: TransferId,
    pub kind: TransferKind,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    #[diesel(column_name = balance_after_cents)]
    pub balance_after: Cents,
    /// Whether it came into the wallet.
    #[diesel(select_expression = transfers::to_account.eq(transfers::wallet_id))]
    pub comes_in: bool,
    #[diesel(column_name = wallet_version)]
    pub version: i64,
    pub at: DateTime<Utc>,
    pub merchant_id: Option<MerchantId>,
    pub grant_kind: Option<GrantKind>,
    pub reason: Option<String>,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    pub reverses: Option<TransferId>,
}

/// Lines of a wallet from the newest, those before that version only.
pub fn lines(tx: &mut Tx<'_>, wallet: WalletId, before: Option<i64>, limit: i64) -> Result<Vec<LineRow>, Error> {
    Ok(transfers::table
        .filter(transfers::wallet_id.eq(wallet))
        .filter(transfers::wallet_version.lt(before.unwrap_or(i64::MAX)))
        .order(transfers::wallet_version.desc())
        .limit(limit)
        .select(LineRow::as_select())
        .load(tx.conn)?)
}

/// The names of merchants as their latest affiliation here has them.
pub fn merchant_names(
    tx: &mut Tx<'_>,
    merchants: impl Iterator<Item = MerchantId>,
) -> Result<BTreeMap<MerchantId, String>, Error> {
    let names: Vec<(MerchantId, String)> = affiliations::table
        .filter(affiliations::merchant_id.eq_any(merchants.collect::<Vec<_>>()))
        .order(affiliations::id)
        .select((affiliations::merchant_id, affiliations::merchant_name))
        .load(tx.conn)?;
    // In order of their making: the last one stays.
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_benchmark_sends_the_statement_of_a_debit() {
        let (id, bytes, date) = (uuid::Uuid::nil(), Vec::<u8>::new(), NaiveDate::MIN);
        let step = ledger_debit(id, id, id, id, id, bytes.clone(), bytes, "sport", 1_i64, "Danse", date, false);
        let sent = diesel::debug_query::<diesel::pg::Pg, _>(&diesel::select(step)).to_string();
        assert_eq!(sent.split(" -- ").next(), Some(DEBIT_SQL));
    }
}
