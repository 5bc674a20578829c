//! The verifier's own queries. They use the tables, none of the ledger's functions, views or sums; rows come through cursors of one
//! snapshot, in the order of the wallets, some thousands at a time.

use super::chain::Record;
use anyhow::Context;
use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    pg::Pg,
    sql_query,
    sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use std::collections::VecDeque;
use uuid::Uuid;

/// Rows in memory of one table.
const PAGE: usize = 10_000;

/// What is seen, and how: everything of a department, and sorting whole tables rather than walking an index that may be damaged too.
pub const SESSION: &str = "set local app.kind = 'system'; set local statement_timeout = 0; set local cursor_tuple_fraction = 1; \
     set local work_mem = '64MB'";

/// A wallet as its columns tell it: what is to be proved.
#[derive(Debug, Clone, QueryableByName)]
pub struct WalletRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub balance_cents: i64,
    #[diesel(sql_type = BigInt)]
    pub held_cents: i64,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    #[diesel(sql_type = Binary)]
    pub head: Vec<u8>,
    #[diesel(sql_type = Bool)]
    pub swept: bool,
    /// The season was over when it was swept.
    #[diesel(sql_type = Bool)]
    pub swept_in_time: bool,
    /// It is of the child, family and season of its enrolment.
    #[diesel(sql_type = Bool)]
    pub is_of_enrolment: bool,
}

pub const WALLETS: &str = "
    select w.id, w.balance_cents, w.held_cents, w.version, w.head, w.swept_at is not null as swept,
           coalesce(w.swept_at >= w.spend_before, true) as swept_in_time,
           coalesce((e.child_id, e.family_id, e.season) = (w.child_id, w.family_id, w.season), false) as is_of_enrolment
      from wallets w left join enrolments e on e.id = w.enrolment_id
     order by w.id";

/// A transfer as it is written. `at` is the eight bytes that PostgreSQL sends: nothing is rounded on the way.
#[derive(Debug, Clone, QueryableByName)]
pub struct TransferRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub from_account: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub to_account: Uuid,
    #[diesel(sql_type = BigInt)]
    pub amount_cents: i64,
    #[diesel(sql_type = SqlUuid)]
    pub wallet_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub wallet_version: i64,
    #[diesel(sql_type = BigInt)]
    pub balance_after_cents: i64,
    #[diesel(sql_type = Binary)]
    pub at: Vec<u8>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub client_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub key: Option<Uuid>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub fingerprint: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub merchant_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub reverses: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub hold_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub request_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub grant_kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = Binary)]
    pub hash: Vec<u8>,
}

pub const TRANSFERS: &str = "
    select id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, timestamptz_send(at) as at,
           client_id, key, fingerprint, merchant_id, reverses, hold_id, request_id, grant_kind, reason, hash
      from transfers order by wallet_id, wallet_version, id";

impl TransferRow {
    /// Whether it comes into its wallet.
    pub fn comes_in(&self) -> bool {
        self.to_account == self.wallet_id
    }

    /// The account on the other side of its wallet.
    pub fn other_account(&self) -> Uuid {
        if self.comes_in() { self.from_account } else { self.to_account }
    }

    /// What its hash covers; `None` when its kind is no kind.
    pub fn record(&self) -> Option<Record<'_>> {
        Some(Record {
            kind: self.kind.parse().ok()?,
            id: self.id,
            from_account: self.from_account,
            to_account: self.to_account,
            amount_cents: self.amount_cents,
            wallet: self.wallet_id,
            wallet_version: self.wallet_version,
            balance_after_cents: self.balance_after_cents,
            at_micros: i64::from_be_bytes(self.at.as_slice().try_into().ok()?),
            client: self.client_id,
            key: self.key,
            merchant: self.merchant_id,
            reverses: self.reverses,
            hold: self.hold_id,
            request: self.request_id,
            fingerprint: self.fingerprint.as_deref(),
            cause: self.grant_kind.as_deref().or(self.reason.as_deref()).unwrap_or_default(),
        })
    }
}

/// Money set aside, or that was.
#[derive(Debug, Clone, QueryableByName)]
pub struct HoldRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub wallet_id: Uuid,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = BigInt)]
    pub amount_cents: i64,
    #[diesel(sql_type = BigInt)]
    pub captured_cents: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub merchant_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub closed_at: Option<Vec<u8>>,
}

pub const HOLDS: &str = "
    select id, wallet_id, state, amount_cents, captured_cents, merchant_id, timestamptz_send(closed_at) as closed_at
      from holds order by wallet_id, id";

/// An account that is not a wallet.
#[derive(Debug, Clone, QueryableByName)]
pub struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub merchant_id: Option<Uuid>,
}

pub fn accounts(conn: &mut PgConnection) -> anyhow::Result<Vec<AccountRow>> {
    Ok(sql_query("select id, kind, merchant_id from ledger_accounts order by id").load(conn)?)
}

/// A grant that was not decided so, or a decision without its grant.
#[derive(Debug, Clone, QueryableByName)]
pub struct GrantRow {
    /// The first transfer of the grant; absent when nothing was granted.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub transfer: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    pub enrolment: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub grant_kind: Option<String>,
    /// `culture 6000, sport 2000`, cents.
    #[diesel(sql_type = Nullable<Text>)]
    pub given: Option<String>,
}

/// An enrolment that was once active has what one of the formulas gives, wallet by wallet and to the cent, under the rules in force when it
/// was submitted, and no other enrolment has anything: the base in any case, the top-up if it was made. Which formula the family chose is
/// a child's matter and not read here.
const GRANTS: &str = "
    with decided as (
        select e.id as enrolment, r.rules -> 'amounts' as amounts
          from enrolments e
         cross join lateral (select rules from season_versions v
                where v.season = e.season and v.state = 'published' and v.effective_from <= e.submitted_at
                order by v.effective_from desc limit 1) r
         where e.state in ('active', 'suspended', 'expired')
           and exists (select 1 from enrolment_events x where x.enrolment_id = e.id and x.state = 'active')
    ), granted as (
        select w.enrolment_id as enrolment, t.grant_kind, min(t.id::text)::uuid as transfer,
               string_agg(concat(w.kind, ' ', t.amount_cents), ', ' order by w.kind, t.amount_cents) as given
          from transfers t join wallets w on w.id = t.wallet_id where t.kind = 'grant' group by 1, 2
    )
    select g.transfer, g.enrolment, g.grant_kind, g.given
      from granted g left join decided d on d.enrolment = g.enrolment
     where d.enrolment is null or not exists (
           select 1 from jsonb_to_recordset(d.amounts) as a(formula text, \"grant\" text, wallet text, amount_cents bigint)
            where a.\"grant\" = g.grant_kind group by a.formula
           having string_agg(concat(a.wallet, ' ', a.amount_cents), ', ' order by a.wallet, a.amount_cents) = g.given)
    union all
    select null, d.enrolment, 'base', null from decided d
     where not exists (select 1 from granted g where g.enrolment = d.enrolment and g.grant_kind = 'base')
     order by 1 nulls last, 2, 3";

pub fn wrong_grants(conn: &mut PgConnection) -> anyhow::Result<Vec<GrantRow>> {
    sql_query(GRANTS).load(conn).context("the grants cannot be compared with what was decided")
}

/// Whose snapshot, of when.
#[derive(QueryableByName)]
pub struct Snapshot {
    /// As the migrations left it in the database: `92`.
    #[diesel(sql_type = Text)]
    pub department: String,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

pub fn snapshot(conn: &mut PgConnection) -> anyhow::Result<Snapshot> {
    let sql = "select upper(regexp_replace(coalesce(obj_description('public'::regnamespace), '?'), '^passplus_', '')) as department,
                      now() as at";
    Ok(sql_query(sql).get_result(conn)?)
}

/// The rows of a cursor in the order of their wallets.
pub struct Stream<T> {
    cursor: &'static str,
    wallet: fn(&T) -> Uuid,
    page: VecDeque<T>,
    ended: bool,
    pub rows: u64,
}

impl<T: QueryableByName<Pg> + 'static> Stream<T> {
    pub fn open(
        conn: &mut PgConnection,
        cursor: &'static str,
        sql: &str,
        wallet: fn(&T) -> Uuid,
    ) -> anyhow::Result<Self> {
        conn.batch_execute(&format!("declare {cursor} no scroll cursor for {sql}"))?;
        Ok(Self { cursor, wallet, page: VecDeque::new(), ended: false, rows: 0 })
    }

    /// The wallet of the next row.
    pub fn next_wallet(&mut self, conn: &mut PgConnection) -> anyhow::Result<Option<Uuid>> {
        if self.page.is_empty() && !self.ended {
            let rows: Vec<T> = sql_query(format!("fetch {PAGE} from {}", self.cursor)).load(conn)?;
            self.ended = rows.len() < PAGE;
            self.page = rows.into();
        }
        Ok(self.page.front().map(self.wallet))
    }

    /// The next rows, as long as they are of that wallet.
    pub fn take(&mut self, conn: &mut PgConnection, wallet: Uuid) -> anyhow::Result<Vec<T>> {
        let mut taken = vec![];
        while self.next_wallet(conn)? == Some(wallet) {
            taken.extend(self.page.pop_front());
        }
        self.rows = self.rows.saturating_add(u64::try_from(taken.len())?);
        Ok(taken)
    }
}
