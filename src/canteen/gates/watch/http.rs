//! Gates from which passages may lack, as those who keep attendance see them.

use super::{Gap, WaitingGate};
use crate::kernel::{ids::DeviceId, text::Label};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A gate from which passages may lack.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingGateView {
    pub device_id: DeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Entrée du réfectoire")]
    pub label: Option<Label>,
    #[schema(example = "2026-10-12T11:58:00Z")]
    pub last_heard_at: DateTime<Utc>,
    /// Its last day there, when that is over: it is revoked, or its operator left, and what lacks does not come any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-13")]
    pub stopped_on: Option<NaiveDate>,
    /// It was last heard before the end of a day on which meals were served.
    #[schema(example = false)]
    pub is_silent: bool,
    /// Numbers of its row that lack.
    #[schema(example = 4)]
    pub missing: i64,
    /// Between which of its readings.
    pub gaps: Vec<GapView>,
}

/// Numbers that lack in the row of a gate: passages that it has not sent, or lost.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapView {
    #[schema(example = 4)]
    pub missing: i64,
    /// The last reading before them; absent when they lack from its first number on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-12T10:02:11Z")]
    pub since: Option<DateTime<Utc>>,
    /// The first reading after them.
    #[schema(example = "2026-10-12T10:09:40Z")]
    pub until: DateTime<Utc>,
}

impl From<Gap> for GapView {
    fn from(Gap { missing, since, until }: Gap) -> Self {
        Self { missing, since, until }
    }
}

impl From<WaitingGate> for WaitingGateView {
    fn from(gate: WaitingGate) -> Self {
        Self {
            missing: gate.missing(),
            device_id: gate.device,
            label: gate.label,
            last_heard_at: gate.heard_at,
            stopped_on: gate.stopped_on,
            is_silent: gate.is_silent,
            gaps: gate.gaps.into_iter().map(GapView::from).collect(),
        }
    }
}
