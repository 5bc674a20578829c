//! Orders to end a season, and the sweep that carries them out.

use super::ExpiryState;
use crate::{
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, SeasonExpiryId},
        money::Cents,
        text::SeasonCode,
        words::WalletKind,
    },
    schema::department::{season_expiries, wallets},
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Text, Timestamptz},
};

/// An order, and how far it is.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = season_expiries)]
pub struct OrderRow {
    pub id: SeasonExpiryId,
    pub season: SeasonCode,
    pub expected_wallets: i64,
    #[diesel(column_name = expected_cents)]
    pub expected: Cents,
    pub ordered_by: AccountId,
    pub ordered_at: DateTime<Utc>,
    pub runs_at: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
    pub wallets_swept: i64,
    #[diesel(column_name = lost_cents)]
    pub lost: Cents,
    pub state: ExpiryState,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
}

impl OrderRow {
    /// Whether it is still to be decided or carried out.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.done_at.is_none() && self.state != ExpiryState::Refused
    }
}

pub fn insert(tx: &mut Tx<'_>, row: &OrderRow) -> Result<(), Error> {
    diesel::insert_into(season_expiries::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn last_order(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<OrderRow>, Error> {
    Ok(season_expiries::table
        .filter(season_expiries::season.eq(season))
        .order(season_expiries::id.desc())
        .select(OrderRow::as_select())
        .first(tx.conn)
        .optional()?)
}

/// That order of that season.
pub fn order(tx: &mut Tx<'_>, season: &SeasonCode, id: SeasonExpiryId) -> Result<OrderRow, Error> {
    Ok(season_expiries::table
        .filter(season_expiries::id.eq(id).and(season_expiries::season.eq(season)))
        .select(OrderRow::as_select())
        .first(tx.conn)?)
}

/// Decides an order, once.
pub fn decide(
    tx: &mut Tx<'_>,
    id: SeasonExpiryId,
    state: ExpiryState,
    by: AccountId,
    at: DateTime<Utc>,
) -> Result<OrderRow, Error> {
    diesel::update(season_expiries::table.find(id).filter(season_expiries::state.eq(ExpiryState::Proposed)))
        .set((season_expiries::state.eq(state), season_expiries::decided_by.eq(by), season_expiries::decided_at.eq(at)))
        .returning(OrderRow::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or(Error::Refused(Refusal::ExpiryTransition))
}

/// The next approved order that is due and in no other hands.
pub fn lock_due(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<Option<OrderRow>, Error> {
    Ok(season_expiries::table
        .filter(season_expiries::state.eq(ExpiryState::Approved))
        .filter(season_expiries::done_at.is_null().and(season_expiries::runs_at.le(now)))
        .order(season_expiries::id)
        .select(OrderRow::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn)
        .optional()?)
}

#[derive(QueryableByName)]
struct SweptRow {
    #[diesel(sql_type = BigInt)]
    wallets_swept: i64,
    #[diesel(sql_type = BigInt)]
    lost_cents: Cents,
}

/// One batch: how many wallets were swept, and the cents they lost.
pub fn sweep(tx: &mut Tx<'_>, season: &SeasonCode, limit: i32) -> Result<(i64, Cents), Error> {
    let row: SweptRow = diesel::sql_query("select wallets_swept, lost_cents from ledger_sweep($1, $2, $3)")
        .bind::<sql_types::Uuid, _>(tx.caller.request)
        .bind::<Text, _>(season)
        .bind::<sql_types::Integer, _>(limit)
        .get_result(tx.conn)?;
    Ok((row.wallets_swept, row.lost_cents))
}

/// Whether nothing of the season is left to sweep.
pub fn is_swept(tx: &mut Tx<'_>, season: &SeasonCode, now: DateTime<Utc>) -> Result<bool, Error> {
    let left = wallets::table.filter(
        wallets::season.eq(season.as_str()).and(wallets::swept_at.is_null()).and(wallets::spend_before.le(now)),
    );
    Ok(!diesel::select(diesel::dsl::exists(left)).get_result::<bool>(tx.conn)?)
}

/// Counts a batch on its order.
pub fn advance(
    tx: &mut Tx<'_>,
    id: SeasonExpiryId,
    (swept, lost): (i64, Cents),
    done_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    diesel::update(season_expiries::table.find(id))
        .set((
            season_expiries::wallets_swept.eq(season_expiries::wallets_swept + swept),
            season_expiries::lost_cents.eq(season_expiries::lost_cents + lost.get()),
            season_expiries::done_at.eq(done_at),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Wallets of one kind in a season.
#[derive(Debug, Clone, QueryableByName)]
pub struct KindRow {
    #[diesel(sql_type = Text)]
    pub kind: WalletKind,
    #[diesel(sql_type = BigInt)]
    pub left: i64,
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    #[diesel(sql_type = BigInt)]
    pub swept: i64,
    #[diesel(sql_type = BigInt)]
    pub cents: Cents,
    #[diesel(sql_type = BigInt)]
    pub held: Cents,
    #[diesel(sql_type = sql_types::Nullable<Timestamptz>)]
    pub last_limit: Option<DateTime<Utc>>,
}

/// What a sweep would find now, a row a wallet kind.
pub fn figures(tx: &mut Tx<'_>, season: &SeasonCode, now: DateTime<Utc>) -> Result<Vec<KindRow>, Error> {
    Ok(diesel::sql_query(
        r#"select kind, count(*) filter (where swept_at is null) as "left",
                  count(*) filter (where swept_at is null and spend_before > $2) as open,
                  count(*) filter (where swept_at is not null) as swept,
                  coalesce(sum(balance_cents - held_cents) filter (where swept_at is null), 0)::bigint as cents,
                  coalesce(sum(held_cents), 0)::bigint as held,
                  max(spend_before) filter (where swept_at is null) as last_limit
             from wallets where season = $1 group by kind"#,
    )
    .bind::<Text, _>(season)
    .bind::<Timestamptz, _>(now)
    .load(tx.conn)?)
}

/// What the wallets of one kind have lost of a season.
#[derive(Debug, Clone, QueryableByName)]
pub struct LostRow {
    #[diesel(sql_type = Text)]
    pub kind: WalletKind,
    #[diesel(sql_type = BigInt)]
    pub wallets: i64,
    #[diesel(sql_type = BigInt)]
    pub lost: Cents,
    #[diesel(sql_type = BigInt)]
    pub undone: Cents,
}

/// Read from the movements themselves, a row a wallet kind that lost something.
pub fn lost(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Vec<LostRow>, Error> {
    Ok(diesel::sql_query(
        "select w.kind, count(distinct t.wallet_id) as wallets, sum(t.amount_cents)::bigint as lost,
                coalesce(sum((select sum(r.amount_cents) from transfers r where r.reverses = t.id)), 0)::bigint as undone
           from transfers t join wallets w on w.id = t.wallet_id
          where w.season = $1 and t.kind = 'expiry' group by w.kind order by w.kind",
    )
    .bind::<Text, _>(season)
    .load(tx.conn)?)
}
