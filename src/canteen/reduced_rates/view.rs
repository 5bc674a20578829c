//! A request as the family and the agents read it. What tells somebody's means is shown to whoever asked and to agents: the other guardians
//! see where the request stands and what is paid.

use super::{
    db::{self, ChildRow, RequestRow},
    proofs,
    said::year_sentence,
    state::{AnswerWord, NothingReason, RequestState, RequestStep, RequestWay},
};
use crate::{
    canteen::{
        rates::{self, MeansSource, RateRow},
        tariffs::{Explained, explained::PriceUnit},
    },
    db::Tx,
    documents::{DocumentRow, view::DocumentView},
    error::Error,
    families,
    kernel::{
        actor::Actor,
        ids::{ChildId, DocumentId, FamilyId, IncomeRequestId, RateId},
        money::Cents,
        text::{Code, Name, Note, SeasonCode},
        time::paris_date,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A request with all that is shown of it to its reader.
pub struct Shown {
    pub row: RequestRow,
    pub steps: Vec<(RequestStep, DateTime<Utc>)>,
    pub children: Vec<ShownChild>,
    /// Proofs of means that were sent for it.
    pub proofs: Vec<DocumentRow>,
    /// The reader made it, or instructs it.
    pub is_whole: bool,
    pub is_mine: bool,
}

pub struct ShownChild {
    pub row: ChildRow,
    pub first_names: Name,
    pub before: Option<RateRow>,
    pub after: Option<RateRow>,
    /// Where another price begins after it.
    pub coming: Vec<RateRow>,
}

/// All that the caller may read of a request. The rates of an open one are those of the day on which a new one would begin.
pub fn shown(tx: &mut Tx<'_>, row: RequestRow) -> Result<Shown, Error> {
    let (reader, is_agent) = match tx.caller.actor {
        Actor::Guardian { account } => (Some(account), false),
        _ => (None, true),
    };
    let today = paris_date(tx.now()?);
    let (steps, proofs) = (db::steps(tx, row.id)?, proofs::of_request(tx, &row)?);
    let mut children = vec![];
    for child in db::children(tx, row.id)? {
        let all = rates::readable_rates(tx, child.child_id.into(), &child.season)?;
        let day = today.max(child.starts_on);
        let wanted = |id: Option<RateId>| all.iter().find(|rate| Some(rate.id) == id).cloned();
        let before = if row.state.is_closed() { wanted(child.before_id) } else { rates::rate_of(&all, day).cloned() };
        let after = wanted(child.after_id);
        let coming = match (&after, row.closed_at) {
            (Some(after), Some(decided_at)) => rates::changes_after(&all, after, decided_at),
            _ => vec![],
        };
        let coming = coming.into_iter().cloned().collect();
        let first_names = families::child(tx, child.child_id)?.first_names;
        children.push(ShownChild { row: child, first_names, before, after, coming });
    }
    let is_mine = reader == Some(row.requested_by);
    Ok(Shown { row, steps, children, proofs, is_whole: is_agent || is_mine, is_mine })
}

/// What a child pays from a day on, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateView {
    #[schema(example = "2026-10-15")]
    pub starts_on: NaiveDate,
    #[schema(example = 280)]
    pub cents: Cents,
    #[schema(example = "meal")]
    pub unit: PriceUnit,
    #[schema(example = 280)]
    pub meal_cents: Cents,
    /// Without what another guardian's income tells.
    pub explained: Explained,
}

impl From<RateRow> for RateView {
    fn from(row: RateRow) -> Self {
        let RateRow { starts_on, cents, unit, meal_cents, explained, .. } = row;
        Self { starts_on, cents, unit, meal_cents, explained }
    }
}

/// A child of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateRequestChildView {
    pub child_id: ChildId,
    pub first_names: Name,
    /// The first day of the rate that is asked for.
    #[schema(example = "2026-10-15")]
    pub starts_on: NaiveDate,
    /// The rate before the decision; as long as there is none, the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<RateView>,
    /// The rate that was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<RateView>,
    /// Each other price to come after it, as it was known at the decision: another tariff was published already, or a care plan ends.
    pub coming: Vec<RateView>,
}

/// Something that happened to a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateRequestStepView {
    pub step: RequestStep,
    #[schema(example = "2026-10-15T08:15:00Z")]
    pub at: DateTime<Utc>,
}

/// Where a request for a reduced rate stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateRequestView {
    pub id: IncomeRequestId,
    pub family_id: FamilyId,
    #[schema(value_type = String, example = "2026-2027")]
    pub season: SeasonCode,
    pub state: RequestState,
    pub way: RequestWay,
    /// The text that the guardian ticked.
    #[schema(value_type = String, example = "2026-06")]
    pub text_version: Code,
    #[schema(example = "2026-10-15T08:15:00Z")]
    pub requested_at: DateTime<Utc>,
    /// Whether I made it.
    #[schema(example = true)]
    pub is_mine: bool,
    /// What happens next, and what the family has to do.
    #[schema(example = "L'administration fiscale est interrogée : vous n'avez rien à faire.")]
    pub next_step: String,
    /// Why a document is needed; for whoever made the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "L'administration fiscale n'a trouvé aucun dossier à ce numéro ou à cet état civil.")]
    pub because: Option<String>,
    /// When the administration will be asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-15T08:16:00Z")]
    pub next_try_at: Option<DateTime<Utc>>,
    pub steps: Vec<RateRequestStepView>,
    pub children: Vec<RateRequestChildView>,
    /// Proofs of means that were sent for it, each with what became of it: with the decision their files are deleted.
    pub documents: Vec<DocumentView>,
    /// What the decision rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "tax_administration")]
    pub source: Option<MeansSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-15T08:15:04Z")]
    pub closed_at: Option<DateTime<Utc>>,
    /// Year of the income; for whoever made the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2025)]
    pub income_year: Option<i16>,
    /// The same aloud, above all when it is not the year that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Le tarif est calculé sur les revenus de 2025.")]
    pub income_year_note: Option<String>,
    /// Why nothing changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "illegible")]
    pub reason: Option<NothingReason>,
    /// The reason as a sentence, with the agent's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Le justificatif n'est pas lisible.")]
    pub reason_note: Option<String>,
    /// What an agent saw where he decided without a document of the file; for whoever made the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Avis d'impôt 2025 présenté au guichet.")]
    pub seen: Option<Note>,
    /// To be given back with what is decided after reading.
    #[schema(example = 1)]
    pub version: i32,
}

fn reason_note(reason: Option<NothingReason>, note: Option<&Note>) -> Option<String> {
    let note = note.map(|note| format!(" {note}")).unwrap_or_default();
    reason.map(|reason| format!("{}{note}", reason.sentence()))
}

impl From<Shown> for RateRequestView {
    fn from(shown: Shown) -> Self {
        let Shown { row, steps, children, proofs, is_whole, is_mine } = shown;
        let standing = row.standing(&proofs);
        let (next_step, because) = (standing.next_step(), standing.because().filter(|_| is_whole));
        let income_year = row.income_year.filter(|_| is_whole);
        let is_year_before = row.is_year_before.unwrap_or(false);
        let child = |child: ShownChild| RateRequestChildView {
            child_id: child.row.child_id,
            first_names: child.first_names,
            starts_on: child.row.starts_on,
            before: child.before.map(RateView::from),
            after: child.after.map(RateView::from),
            coming: child.coming.into_iter().map(RateView::from).collect(),
        };
        Self {
            next_step,
            because,
            income_year,
            income_year_note: income_year.map(|year| year_sentence(year, row.income_month, is_year_before)),
            reason: row.reason.filter(|_| is_whole),
            reason_note: reason_note(row.reason, row.note.as_ref()).filter(|_| is_whole),
            seen: row.note.filter(|_| is_whole && row.reason.is_none()),
            documents: proofs.into_iter().map(DocumentView::from).collect(),
            steps: steps.into_iter().map(|(step, at)| RateRequestStepView { step, at }).collect(),
            children: children.into_iter().map(child).collect(),
            id: row.id,
            family_id: row.family_id,
            season: row.season,
            state: row.state,
            way: row.way,
            text_version: row.text_version,
            requested_at: row.requested_at,
            is_mine,
            next_try_at: row.next_try_at,
            source: row.source,
            closed_at: row.closed_at,
            version: row.version,
        }
    }
}

/// A request as agents read it: with the administration's last word.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateRequestFileView {
    #[serde(flatten)]
    pub request: RateRequestView,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "partial")]
    pub answer: Option<AnswerWord>,
    /// Which field was absent or odd, or what was doubtful.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "reference_income")]
    pub answer_detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-15T08:15:04Z")]
    pub answered_at: Option<DateTime<Utc>>,
    /// Tax households of the parents: as many tax notices are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2)]
    pub households: Option<i16>,
    /// Proofs of means that wait to be read.
    pub document_ids: Vec<DocumentId>,
}

impl From<Shown> for RateRequestFileView {
    fn from(shown: Shown) -> Self {
        let document_ids = proofs::waiting(&shown.proofs).map(|document| document.id).collect();
        let RequestRow { answer, answer_detail, answered_at, households, .. } = shown.row.clone();
        Self { request: shown.into(), answer, answer_detail, answered_at, households, document_ids }
    }
}
