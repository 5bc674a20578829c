//! What gates send, and what is to be looked at afterwards.

use super::{BatchLine, BatchTaken, GapRow, OddRow, Passed, Scan, SeenDiner, SentPassage, batches::BATCH_MAX};
use crate::{
    app::App,
    auth::actor::{By, Gate, PassageReader},
    canteen::{
        enrolments::Diet,
        passages::{self, PassOutcome, PassReason},
    },
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::{CanteenOperatorId, DeviceId, DinerId},
        text::{Sensitive, Uai},
        time::{day, instant},
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// More than a gate reads in its life.
const SEQUENCE_MAX: i64 = 1_000_000_000;

/// Something shown at a gate, now.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckPassage {
    /// The gate's own number of this reading: 1, 2, 3 … without a hole, and never more than 50,000 above the last one. Sent again, it gets
    /// the same answer.
    #[schema(example = 4211, minimum = 1)]
    pub sequence: i64,
    /// When it was read, by the gate's clock, within ten minutes of ours.
    #[serde(deserialize_with = "instant")]
    #[schema(example = "2026-10-15T10:02:11Z")]
    pub scanned_at: DateTime<Utc>,
    /// The number written on the card, the text of its QR code, printed or on a telephone, or a one-day code.
    #[schema(example = "92-000G-40R4-0M30-E27Z-Z")]
    #[schema(value_type = Option<String>)]
    pub card: Option<Sensitive<String>>,
    /// Or else an adult of this gate's list of today: staff, with or without a meal of today, and guests who have one. Adults have no card.
    pub diner_id: Option<DinerId>,
}

/// Whether somebody eats.
#[derive(Debug, Serialize, ToSchema)]
pub struct PassageView {
    #[schema(example = 4211)]
    pub sequence: i64,
    #[schema(example = true)]
    pub eats: bool,
    pub reason: PassReason,
    /// For the person at the gate.
    #[schema(example = "Repas réservé : bon appétit.")]
    pub detail: &'static str,
    /// Who stands there, when he is of this collège.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diner: Option<SeenDinerView>,
}

/// Enough to recognise a face and to serve a plate.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeenDinerView {
    pub id: DinerId,
    #[schema(example = "Camille")]
    pub first_name: String,
    #[schema(example = "M")]
    pub initial: String,
    pub diet: Diet,
    /// The family brings the meal.
    #[schema(example = false)]
    pub own_meal: bool,
    /// The kitchen has something to do for this child; it knows what.
    #[schema(example = false)]
    pub care: bool,
    /// The portrait, if the family gave one and the department accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/9j/4AAQSkZJRg==", content_encoding = "base64", content_media_type = "image/jpeg")]
    pub photo_jpeg_base64: Option<String>,
}

impl From<SeenDiner> for SeenDinerView {
    fn from(seen: SeenDiner) -> Self {
        let SeenDiner { id, first_name, initial, diet, own_meal, care, photo_jpeg } = seen;
        let photo_jpeg_base64 = photo_jpeg.map(|photo| BASE64.encode(&photo));
        Self { id, first_name, initial, diet, own_meal, care, photo_jpeg_base64 }
    }
}

impl From<Passed> for PassageView {
    fn from(Passed { sequence, decision, diner }: Passed) -> Self {
        let (eats, reason) = (decision.eats, decision.reason);
        let diner = diner.map(SeenDinerView::from);
        Self { sequence, eats, reason, detail: reason.sentence(eats), diner }
    }
}

/// Check whether who shows a card eats here today, and keep the passage.
///
/// Of an adult, by his id in the list of the day. A guest has no card, and is in the list only when a meal was reserved for him: any other is
/// `unknown_card` here, and counted by the desk of the collège. What a family owes plays no part. A card that is no longer in service is
/// refused: its child eats with a one-day code, given by its family or the secretary of its collège.
#[utoipa::path(tag = "canteen-gates", request_body = CheckPassage, responses((status = 200, body = PassageView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/passages")]
pub async fn check_passage(
    by: By<Gate>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<CheckPassage>,
) -> Result<Found<PassageView>, Error> {
    let CheckPassage { sequence, scanned_at, card, diner_id: adult } = body.0;
    require_number(sequence, "/sequence")?;
    if adult.is_some() == card.is_some() {
        return Err(Error::field("/card", "card ou diner_id est attendu, l'un des deux"));
    }
    let scan = Scan { sequence, scanned_at, card, adult };
    Ok(Found(passages::check_passage(&app, &by, path.0, scan).await?.into()))
}

fn require_number(sequence: i64, pointer: &str) -> Result<(), Error> {
    if (1..=SEQUENCE_MAX).contains(&sequence) {
        return Ok(());
    }
    Err(Error::field(pointer, format!("un nombre de 1 à {SEQUENCE_MAX} est attendu")))
}

/// Passages that a gate took without network.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendPassages {
    /// In any order.
    #[schema(min_items = 1, max_items = 1000)]
    pub passages: Vec<OfflinePassage>,
}

/// A passage without network: of somebody of the day's list, or of a card that is not in it or a one-day code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflinePassage {
    /// The gate's own number of this reading, of the same row as with network.
    #[schema(example = 4212, minimum = 1)]
    pub sequence: i64,
    /// When it was read, by the gate's clock. It counts when it comes within 31 days.
    #[schema(example = "2026-10-14T10:02:11Z")]
    #[serde(deserialize_with = "instant")]
    pub scanned_at: DateTime<Utc>,
    /// Who it was, by the list.
    pub diner_id: Option<DinerId>,
    /// Or else what was read: a card, or a one-day code.
    #[schema(example = "92-000G-40R4-0M30-E27Z-Z")]
    #[schema(value_type = Option<String>)]
    pub card: Option<Sensitive<String>>,
    /// Whether he was let in.
    #[schema(example = true)]
    pub let_in: bool,
}

/// What became of the passages.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentPassagesView {
    /// In the order of the request.
    pub items: Vec<SentPassageView>,
    /// Numbers that this gate has not sent though one that follows came in the last 32 days: the last hundred rows of them.
    pub missing: Vec<MissingNumbersView>,
}

/// What became of a passage.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentPassageView {
    #[schema(example = 4212)]
    pub sequence: i64,
    pub outcome: PassOutcome,
    /// What a gate with network would have been told; or why the passage comes too late or too early to be counted.
    pub reason: PassReason,
}

/// Numbers that lack, both ends included.
#[derive(Debug, Serialize, ToSchema)]
pub struct MissingNumbersView {
    #[schema(example = 4180)]
    pub first: i64,
    #[schema(example = 4183)]
    pub last: i64,
}

impl From<BatchTaken> for SentPassagesView {
    fn from(BatchTaken { lines, missing }: BatchTaken) -> Self {
        let line = |BatchLine { sequence, outcome, reason }| SentPassageView { sequence, outcome, reason };
        let gap = |GapRow { first, last }| MissingNumbersView { first, last };
        Self { items: lines.into_iter().map(line).collect(), missing: missing.into_iter().map(gap).collect() }
    }
}

/// Send passages that were taken without network.
///
/// In any order, and again if need be: each is counted once, by its gate and number. Who was let in has eaten; of somebody who passed twice
/// the second passage is told as a double and the meal counted once. Of each is told what became of it (`outcome`): `counted`, `double`,
/// `refused` (he was not let in), `unknown` (nobody is known by what was shown), `not_served` (nothing is served there on that day, or for the
/// reason `too_late` the passage comes more than 31 days after it), `locked` (the month is locked: nothing moves). Three are not kept, and
/// the last two leave their number free: `number_used` (another passage came under it), `clock_ahead` (read later than in ten minutes) and
/// `number_ahead` (more than 50,000 above the highest number that the gate had used before this batch: those between come first).
/// A passage that was answered with network to be let in, and is sent as not let in, is told as it was, and listed among the odd ones.
#[utoipa::path(tag = "canteen-gates", request_body = SendPassages, responses((status = 200, body = SentPassagesView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/passages/batches")]
pub async fn send_passages(
    by: By<Gate>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<SendPassages>,
) -> Result<Found<SentPassagesView>, Error> {
    let passages = body.0.passages;
    if !(1..=BATCH_MAX).contains(&passages.len()) {
        return Err(Error::field("/passages", format!("de 1 à {BATCH_MAX} passages sont attendus")));
    }
    let read = |(place, passage): (usize, OfflinePassage)| {
        let OfflinePassage { sequence, scanned_at, diner_id: diner, card, let_in } = passage;
        require_number(sequence, &format!("/passages/{place}/sequence"))?;
        if diner.is_some() == card.is_some() {
            return Err(Error::field(format!("/passages/{place}"), "diner_id ou card est attendu, l'un des deux"));
        }
        Ok(SentPassage { sequence, scanned_at, card, diner, let_in })
    };
    let passages = passages.into_iter().enumerate().map(read).collect::<Result<_, Error>>()?;
    Ok(Found(passages::send_passages(&app, &by, path.0, passages).await?.into()))
}

/// Of which day.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OddPassagesQuery {
    #[param(example = "2026-10-15")]
    #[serde(deserialize_with = "day")]
    pub day: NaiveDate,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// A passage that somebody has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct OddPassageView {
    pub device_id: DeviceId,
    #[schema(example = 4212)]
    pub sequence: i64,
    pub operator_id: CanteenOperatorId,
    pub college_uai: Uai,
    #[schema(example = "2026-10-14T10:02:11Z")]
    pub scanned_at: DateTime<Utc>,
    #[schema(example = "2026-10-15T06:30:00Z")]
    pub received_at: DateTime<Utc>,
    /// Taken without network.
    #[schema(example = true)]
    pub offline: bool,
    /// Absent when nobody is known by what was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diner_id: Option<DinerId>,
    pub outcome: PassOutcome,
    pub reason: PassReason,
    /// The gate had been told to let the diner in, did not hear it, and turned him away: if he did not eat, withdraw the passage.
    #[schema(example = false)]
    pub turned_away: bool,
    /// The diner was let in at another collège too on that day.
    #[schema(example = false)]
    pub passed_elsewhere: bool,
}

impl From<OddRow> for OddPassageView {
    fn from(OddRow { passage: row, elsewhere }: OddRow) -> Self {
        Self {
            device_id: row.device_id,
            sequence: row.sequence,
            operator_id: row.operator_id,
            college_uai: row.college_uai,
            scanned_at: row.scanned_at,
            received_at: row.received_at,
            offline: row.offline,
            diner_id: row.person_id,
            outcome: row.outcome,
            reason: row.reason,
            turned_away: row.turned_away,
            passed_elsewhere: elsewhere,
        }
    }
}

/// List the passages of a day that somebody has to look at.
///
/// All passages of who was let in twice, at one gate or two, at one collège or two, of which a secretary is shown those of his own; strangers,
/// and who was let in against the rules, or turned away against them; what came for a day that serves nothing or is locked.
#[utoipa::path(tag = "canteen", params(OddPassagesQuery), responses((status = 200, body = Page<OddPassageView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/passages/odd")]
pub async fn list_odd_passages(
    by: By<PassageReader>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<OddPassagesQuery>,
) -> Result<Found<Page<OddPassageView>>, Error> {
    let OddPassagesQuery { day, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| passages::list_odd_passages(tx, day, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(OddPassageView::from)))
}
