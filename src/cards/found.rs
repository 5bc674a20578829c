//! A card found by anybody. Who reports it learns nothing: the answer is the same, and takes the same time, for a card that is known and one
//! that is not, because it is looked up later, by the worker.

use super::{
    db::{self, FoundRow},
    reading::{self, Read},
};
use crate::{
    app::App,
    audit,
    auth::{
        actor::{By, CaseWorker},
        throttles::{self, Throttle},
    },
    db::Tx,
    error::Error,
    families,
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::Found,
    },
    jobs::{self, Job},
    kernel::{
        department::Department,
        ids::{CardId, FamilyId},
        text::{Note, Secret},
    },
};
use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Reports from one address.
const REPORT_ADDRESS: Throttle =
    Throttle { scope: "found_card_address", attempts_max: 20, window: TimeDelta::hours(1) };
/// Reports of one card that are passed on within a day: a family is told, not pestered.
const REPORTS_A_DAY: i64 = 3;

/// A card that somebody has found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportFoundCard {
    /// The number written on it, or the text of its QR.
    #[schema(example = "92-000G-40R4-0M30-E27Z-Z")]
    pub card: Secret,
    /// Where it waits, and how to fetch it. The family and the department read it; nothing else is asked of the finder.
    pub place: Option<Note>,
}

/// Always the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportTaken {
    #[schema(example = "Merci. Si cette carte est en service, sa famille est prévenue.")]
    pub detail: &'static str,
}

/// Report a found card.
///
/// Anybody may. The answer is the same whatever the card is. Its family is told by mail and decides; the card is not blocked by itself.
#[utoipa::path(tag = "cards", request_body = ReportFoundCard, responses((status = 202, body = ReportTaken)))]
#[post("/v1/found-cards")]
pub async fn report_found_card(
    visitor: Visitor,
    app: web::Data<App>,
    body: Body<ReportFoundCard>,
) -> Result<HttpResponse, Error> {
    let ReportFoundCard { card, place } = body.0;
    let caller = &visitor.caller;
    app.db.directory_write(caller, |tx| throttles::count_address(tx, REPORT_ADDRESS)).await??;
    if let Read::Card(card) | Read::Stale(card) = reading::read(&app, caller, card.as_str()).await? {
        let job = Job::FoundCard { fingerprint: card.fingerprint, place: place.map(|place| place.to_string()) };
        app.db.write(card.department, caller, move |tx| jobs::enqueue(tx, &job)).await?;
    }
    let detail = "Merci. Si cette carte est en service, sa famille est prévenue.";
    Ok(HttpResponse::Accepted().json(ReportTaken { detail }))
}

/// Looks up a card that was reported, and tells its family. Done again, it does nothing.
pub fn pass_on(tx: &mut Tx<'_>, report: Uuid, fingerprint: &[u8], place: Option<&str>) -> Result<(), Error> {
    let Some(card) = db::by_fingerprint(tx, fingerprint)?.filter(|card| card.state.is_live()) else { return Ok(()) };
    let now = tx.now()?;
    if db::found_since(tx, card.id, now - TimeDelta::days(1))? >= REPORTS_A_DAY
        || !db::insert_found(tx, report, &card, place)?
    {
        return Ok(());
    }
    audit::record(tx, "card_reported_found", ("card", card.id), json!({}))?;
    let place = place.map(|place| format!("Cette personne indique : « {} »\n", harmless(place))).unwrap_or_default();
    let body = format!(
        "Bonjour,\n\nQuelqu'un a trouvé la carte de votre enfant et nous l'a signalé, sans connaître son nom ni le vôtre.\n{place}\
         Votre département peut vous aider à la récupérer. La carte n'est pas bloquée d'elle-même : si vous le souhaitez, bloquez-la ou \
         remplacez-la dans votre espace.\n\nPass+"
    );
    families::notify_of(tx, (card.family_id, card.child_id), "Carte trouvée", &body)
}

/// A stranger's words, without what a mail would make a link of.
fn harmless(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || " ,;.'’()-°+!?".contains(c) {
            plain.push(c);
            if c == '.' && chars.peek().is_some_and(|next| !next.is_whitespace()) {
                plain.push(' ');
            }
        } else {
            plain.push(' ');
        }
    }
    plain
}

/// A report as agents see it: ids, and the finder's words.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundCardView {
    pub id: Uuid,
    pub card_id: CardId,
    pub family_id: FamilyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "À l'accueil du gymnase des Fauvelles")]
    pub place: Option<String>,
    #[schema(example = "2026-10-15T08:00:00Z")]
    pub reported_at: DateTime<Utc>,
}

impl From<FoundRow> for FoundCardView {
    fn from(row: FoundRow) -> Self {
        let FoundRow { id, card_id, family_id, place, reported_at } = row;
        Self { id, card_id, family_id, place, reported_at }
    }
}

/// List the cards that were found, newest first.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", params(PageQuery), responses((status = 200, body = Page<FoundCardView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/found-cards")]
pub async fn list_found_cards(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<FoundCardView>>, Error> {
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| {
        let rows = db::found(tx, query.after()?, query.limit()?.saturating_add(1))?;
        audit::record(tx, "found_cards_listed", ("department", tx.place), json!({}))?;
        query.page(rows, |row| row.id)
    };
    Ok(Found(app.db.write(path.0, &by.caller, list).await?.map(FoundCardView::from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_words_make_no_link() {
        assert_eq!(harmless("À l'accueil, 06 12 34 56 78."), "À l'accueil, 06 12 34 56 78.");
        assert_eq!(harmless("https://voleur.example/x <b>a@b.fr"), "https   voleur. example x  b a b. fr");
    }
}
