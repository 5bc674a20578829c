//! The one function of the database that undoes, and what is read of a movement before.

use super::{Moved, Reversal};
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::TransferId,
    ledger::{
        Declined,
        db::{OutcomeRow, OutcomeType},
    },
    schema::department::{transfers, wallets},
};
use diesel::{dsl::sql, prelude::*, sql_types};

diesel::define_sql_function! {
    fn ledger_reverse(
        request: sql_types::Uuid, transfer: sql_types::Uuid, key: sql_types::Uuid, fingerprint: sql_types::Binary,
        target: sql_types::Uuid, amount: sql_types::BigInt, reason: sql_types::Text,
    ) -> OutcomeType;
}

pub fn reverse(tx: &mut Tx<'_>, made: TransferId, reversal: &Reversal<'_>) -> Result<Option<Declined>, Error> {
    let step = ledger_reverse(
        tx.caller.request,
        made,
        reversal.key,
        reversal.fingerprint,
        reversal.transfer,
        reversal.amount,
        reversal.reason,
    );
    let (declined, ..): OutcomeRow = diesel::select(step).get_result(tx.conn)?;
    Ok(declined)
}

pub fn moved(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Moved, Error> {
    let given_back =
        "coalesce((select sum(r.amount_cents) from transfers r where r.reverses = transfers.id), 0)::bigint";
    Ok(transfers::table
        .inner_join(wallets::table.on(wallets::id.eq(transfers::wallet_id)))
        .filter(transfers::id.eq(transfer))
        .select((
            transfers::id,
            transfers::kind,
            transfers::amount_cents,
            sql::<sql_types::BigInt>(given_back),
            transfers::at,
            transfers::merchant_id,
            transfers::activity_label,
            transfers::holder_first_name,
            wallets::id,
            wallets::family_id,
            wallets::kind,
        ))
        .first(tx.conn)?)
}
