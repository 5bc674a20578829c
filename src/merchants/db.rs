//! Organisations (directory) and their conventions (department).

use super::state::AffiliationState;
use crate::{
    db::{DirectoryTx, Tx},
    error::Error,
    kernel::{
        ids::{AffiliationId, LedgerAccountId, MerchantId},
        text::{Label, Siret},
        words::WalletKind,
    },
    schema::{department::affiliations, directory::merchants},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{dsl::exists, prelude::*};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = merchants)]
pub struct MerchantRow {
    pub id: MerchantId,
    pub siret: Siret,
    pub name: Label,
    pub created_at: DateTime<Utc>,
}

pub fn insert_merchant(
    tx: &mut DirectoryTx<'_>,
    id: MerchantId,
    siret: &Siret,
    name: &Label,
    now: DateTime<Utc>,
) -> Result<MerchantRow, Error> {
    Ok(diesel::insert_into(merchants::table)
        .values((
            merchants::id.eq(id),
            merchants::siret.eq(siret),
            merchants::name.eq(name),
            merchants::created_at.eq(now),
        ))
        .returning(MerchantRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn merchant(tx: &mut DirectoryTx<'_>, id: MerchantId) -> Result<MerchantRow, Error> {
    Ok(merchants::table.find(id).select(MerchantRow::as_select()).first(tx.conn)?)
}

pub fn merchants(
    tx: &mut DirectoryTx<'_>,
    siret: Option<&Siret>,
    part: Option<&str>,
    after: Option<MerchantId>,
    limit: i64,
) -> Result<Vec<MerchantRow>, Error> {
    let mut query = merchants::table.order(merchants::id).limit(limit).select(MerchantRow::as_select()).into_boxed();
    if let Some(siret) = siret {
        query = query.filter(merchants::siret.eq(siret));
    }
    if let Some(part) = part {
        query = query.filter(folded(merchants::name).like(folded(within(part))));
    }
    if let Some(after) = after {
        query = query.filter(merchants::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

pub fn sirets(tx: &mut DirectoryTx<'_>, ids: &[MerchantId]) -> Result<Vec<(MerchantId, Siret)>, Error> {
    let found = merchants::table.filter(merchants::id.eq_any(ids)).select((merchants::id, merchants::siret));
    Ok(found.load(tx.conn)?)
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = affiliations)]
pub struct AffiliationRow {
    pub id: AffiliationId,
    pub merchant_id: MerchantId,
    pub merchant_name: Label,
    pub account_id: LedgerAccountId,
    pub wallet_kind: WalletKind,
    pub state: AffiliationState,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
    pub version: i32,
}

pub fn insert_affiliation(tx: &mut Tx<'_>, row: &AffiliationRow) -> Result<(), Error> {
    diesel::insert_into(affiliations::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn affiliations(
    tx: &mut Tx<'_>,
    merchant: MerchantId,
    after: Option<AffiliationId>,
    limit: i64,
) -> Result<Vec<AffiliationRow>, Error> {
    let mut query = affiliations::table
        .filter(affiliations::merchant_id.eq(merchant))
        .order(affiliations::id)
        .limit(limit)
        .select(AffiliationRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(affiliations::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

pub fn lock_affiliation(tx: &mut Tx<'_>, id: AffiliationId) -> Result<AffiliationRow, Error> {
    Ok(affiliations::table.find(id).select(AffiliationRow::as_select()).for_update().first(tx.conn)?)
}

pub fn set_affiliation_state(
    tx: &mut Tx<'_>,
    id: AffiliationId,
    state: AffiliationState,
) -> Result<AffiliationRow, Error> {
    Ok(diesel::update(affiliations::table.find(id))
        .set((affiliations::state.eq(state), affiliations::version.eq(affiliations::version + 1)))
        .returning(AffiliationRow::as_returning())
        .get_result(tx.conn)?)
}

diesel::define_sql_function! {
    /// A text without case and accents, whatever the server's locale.
    fn folded(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The pattern of what holds that text; folding leaves its signs alone.
fn within(part: &str) -> String {
    format!("%{}%", part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))
}

/// Merchants whose convention for that wallet is in force that day and whose name holds that: at most one living convention each.
pub fn open_merchants(
    tx: &mut Tx<'_>,
    wallet: WalletKind,
    today: NaiveDate,
    part: Option<&str>,
    after: Option<MerchantId>,
    limit: i64,
) -> Result<Vec<(MerchantId, Label)>, Error> {
    let mut query = affiliations::table
        .filter(affiliations::wallet_kind.eq(wallet).and(affiliations::state.eq(AffiliationState::Active)))
        .filter(affiliations::starts_on.le(today))
        .filter(affiliations::ends_on.is_null().or(affiliations::ends_on.ge(today)))
        .order(affiliations::merchant_id)
        .limit(limit)
        .select((affiliations::merchant_id, affiliations::merchant_name))
        .into_boxed();
    if let Some(part) = part {
        query = query.filter(folded(affiliations::merchant_name).like(folded(within(part))));
    }
    if let Some(after) = after {
        query = query.filter(affiliations::merchant_id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

pub fn is_affiliated(tx: &mut Tx<'_>, merchant: MerchantId, living: bool) -> Result<bool, Error> {
    let any = affiliations::table.filter(affiliations::merchant_id.eq(merchant));
    Ok(if living {
        diesel::select(exists(any.filter(affiliations::state.ne(AffiliationState::Closed)))).get_result(tx.conn)?
    } else {
        diesel::select(exists(any)).get_result(tx.conn)?
    })
}
