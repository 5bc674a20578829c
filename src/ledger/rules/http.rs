//! The department's rules on money, read by its agents and set by its administrators.

use super::{NewRules, RulesRow, Timeline};
use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By, Guardian},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::LedgerRulesId,
        money::{Amount, Cents},
    },
    ledger::rules,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the department allows from an instant on. An absent cap is no cap.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerRulesView {
    pub id: LedgerRulesId,
    #[schema(example = "2026-09-01T00:00:00Z")]
    pub effective_from: DateTime<Utc>,
    /// Most that one debit takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5000)]
    pub debit_max_cents: Option<i64>,
    /// Most that a child pays within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 8000)]
    pub card_day_max_cents: Option<i64>,
    /// Most debits of one till within a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 30)]
    pub till_minute_max_debits: Option<i32>,
    /// How long a till's hold stands.
    #[schema(example = 10080)]
    pub till_hold_minutes: i32,
    /// Above, a merchant's refund is asked of the department.
    #[schema(example = 20000)]
    pub refund_alone_max_cents: i64,
    /// Above, a correction asks for two persons.
    #[schema(example = 20000)]
    pub correction_alone_max_cents: i64,
    /// Days within which a family may contest a debit.
    #[schema(example = 60)]
    pub dispute_days: i32,
    #[schema(example = "2026-08-20T09:00:00Z")]
    pub set_at: DateTime<Utc>,
}

impl From<RulesRow> for LedgerRulesView {
    fn from(row: RulesRow) -> Self {
        Self {
            id: row.id,
            effective_from: row.effective_from,
            debit_max_cents: row.debit_max.map(Cents::get),
            card_day_max_cents: row.card_day_max.map(Cents::get),
            till_minute_max_debits: row.till_minute_max_debits,
            till_hold_minutes: row.till_hold_minutes,
            refund_alone_max_cents: row.refund_alone_max.get(),
            correction_alone_max_cents: row.correction_alone_max.get(),
            dispute_days: row.dispute_days,
            set_at: row.set_at,
        }
    }
}

/// What is and what will be allowed.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerRulesTimelineView {
    pub in_force: LedgerRulesView,
    /// In the order in which they take effect.
    pub to_come: Vec<LedgerRulesView>,
}

/// What the department allows now, as families may know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpendingRulesView {
    /// Most that one payment takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5000)]
    pub debit_max_cents: Option<i64>,
    /// Most that a child pays within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 8000)]
    pub card_day_max_cents: Option<i64>,
    /// Days within which a payment may be contested.
    #[schema(example = 60)]
    pub dispute_days: i32,
}

/// Show what a department allows my children to spend. An absent cap is no cap.
#[utoipa::path(tag = "wallets", responses((status = 200, body = SpendingRulesView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/spending-rules")]
pub async fn show_spending_rules(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
) -> Result<Found<SpendingRulesView>, Error> {
    let row = app.db.read(path.0, &by.caller, rules::in_force).await?;
    Ok(Found(SpendingRulesView {
        debit_max_cents: row.debit_max.map(Cents::get),
        card_day_max_cents: row.card_day_max.map(Cents::get),
        dispute_days: row.dispute_days,
    }))
}

/// Rules to set: all of them, those that stay too.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLedgerRules {
    /// An instant to come; in a few seconds when absent.
    #[schema(example = "2026-12-01T00:00:00Z")]
    pub effective_from: Option<DateTime<Utc>>,
    pub debit_max_cents: Option<Amount>,
    pub card_day_max_cents: Option<Amount>,
    #[schema(example = 30, minimum = 1, maximum = 1000)]
    pub till_minute_max_debits: Option<i32>,
    #[schema(example = 10080, minimum = 1, maximum = 44640)]
    pub till_hold_minutes: i32,
    #[schema(example = 20000, minimum = 0, maximum = 100_000)]
    pub refund_alone_max_cents: i64,
    #[schema(example = 20000, minimum = 0, maximum = 100_000)]
    pub correction_alone_max_cents: i64,
    #[schema(example = 60, minimum = 0, maximum = 400)]
    pub dispute_days: i32,
}

/// Show the department's rules on money, in force and to come.
#[utoipa::path(tag = "ledger", responses((status = 200, body = LedgerRulesTimelineView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/ledger-rules")]
pub async fn show_ledger_rules(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
) -> Result<Found<LedgerRulesTimelineView>, Error> {
    let Timeline { in_force, to_come } = app.db.read(path.0, &by.caller, rules::show_ledger_rules).await?;
    let to_come = to_come.into_iter().map(LedgerRulesView::from).collect();
    Ok(Found(LedgerRulesTimelineView { in_force: in_force.into(), to_come }))
}

/// Set the department's rules on money from an instant to come on.
///
/// With a second factor shown within five minutes. What is published never changes: the next version replaces it.
#[utoipa::path(tag = "ledger", request_body = SetLedgerRules, responses((status = 201, body = LedgerRulesView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/ledger-rules")]
pub async fn set_ledger_rules(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<SetLedgerRules>,
) -> Result<Created<LedgerRulesView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let SetLedgerRules { effective_from, debit_max_cents, card_day_max_cents, till_minute_max_debits, .. } = body.0;
    let new = NewRules {
        effective_from,
        debit_max: debit_max_cents,
        card_day_max: card_day_max_cents,
        till_minute_max_debits,
        till_hold_minutes: body.0.till_hold_minutes,
        refund_alone_max: Cents::new(body.0.refund_alone_max_cents),
        correction_alone_max: Cents::new(body.0.correction_alone_max_cents),
        dispute_days: body.0.dispute_days,
    };
    let account = by.account;
    let set = move |tx: &mut Tx<'_>| rules::set_ledger_rules(tx, account, &new);
    Ok(Created(app.db.write(path.0, &by.caller, set).await?.into()))
}
