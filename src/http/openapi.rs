//! The list of endpoints, once: it mounts them and describes them, so that nothing is served undescribed.

mod problems;
mod refusals;

use crate::{
    auth, canteen, cards, colleges, corrections, disputes, documents, enrolments,
    error::{Error, Problem, Refusal},
    families,
    http::{health, observe::Visitor},
    journal, ledger, merchants, news, photos, seasons, settlement,
};
use actix_web::{HttpRequest, HttpResponse, dev::ResourceDef, get, http::header, web};
use problems::Problems;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

macro_rules! endpoints {
    ($($($segment:ident)::+),* $(,)?) => {
        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Pass+",
                description = "Comptes des familles, porte-monnaie, cartes et encaissements des collégiens. Tout montant est en centimes d'euro, tout instant en UTC (RFC 3339), toute erreur un problème RFC 9457 dont `code` est stable.",
                license(name = "EUPL-1.2", identifier = "EUPL-1.2")
            ),
            paths($($($segment)::+),*),
            components(schemas(Problem, Refusal)),
            servers((url = "/", description = "This service")),
            tags(
                (name = "accounts", description = "Family accounts: opening, proof of the address, lost password"),
                (name = "sessions", description = "Signing in and out, second factor, who I am"),
                (name = "staff", description = "Agents and secretaries: invited, accepted, revoked"),
                (name = "devices", description = "Tills and servers of merchants: enrolment and tokens"),
                (name = "keys", description = "Public keys that verify tokens and cards"),
                (name = "seasons", description = "Dated rules of a department's school years"),
                (name = "colleges", description = "The collèges of the departments"),
                (name = "families", description = "Family files: guardians, children, consents"),
                (name = "photos", description = "Portraits of children"),
                (name = "documents", description = "Supporting documents of children, until an agent has decided"),
                (name = "enrolments", description = "The yearly request of a child, and its scholarship top-up"),
                (name = "desk", description = "The secretary's desk of a collège"),
                (name = "agents-desk", description = "What a department's agents instruct; personal readings are journalled"),
                (name = "cards", description = "Life of a card"),
                (name = "card-batches", description = "Cards printed by the department's card maker"),
                (name = "wallets", description = "Wallets as families see them: movements, refusals, disputes"),
                (name = "tickets", description = "Tickets and remote transfers of families"),
                (name = "counter", description = "What a merchant's devices do: debits, holds, refunds, operations"),
                (name = "merchants", description = "Organisations, conventions, devices"),
                (name = "ledger", description = "Rules on money, corrections, disputes, the end of a season"),
                (name = "canteen", description = "Where and when meals are served, and what they cost"),
                (name = "settlement", description = "Paying merchants: bank accounts, batches, statements"),
                (name = "journal", description = "Who did what"),
                (name = "health", description = "Probes"),
            ),
            modifiers(&Bearer, &Problems)
        )]
        struct Endpoints;

        /// Mounts every endpoint, the interactive page and the description.
        pub fn configure(config: &mut web::ServiceConfig) {
            $(config.service($($segment)::+);)*
            // "none": else the page sends the description's address to a validator elsewhere.
            let page = Config::from("/openapi.json").try_it_out_enabled(true).persist_authorization(true).validator_url("none");
            config.service(serve_description);
            config.service(SwaggerUi::new("/docs/{_:.*}").config(page).url("/openapi.json", document()));
        }
    };
}

// Requests are matched in this order: what is asked most comes first.
endpoints! {
    merchants::counter::http::debit_card,
    health::is_live,
    health::is_ready,
    auth::keys::list_token_keys,
    auth::accounts::http::sign_up,
    auth::accounts::http::confirm_account,
    auth::accounts::http::request_reset,
    auth::accounts::http::reset_password,
    auth::sessions::http::sign_in,
    auth::sessions::http::refresh_session,
    auth::sessions::http::confirm_factor,
    auth::sessions::http::sign_out,
    auth::sessions::http::sign_out_everywhere,
    auth::sessions::http::show_me,
    auth::staff::http::invite_staff,
    auth::staff::http::list_staff,
    auth::staff::http::revoke_staff,
    auth::staff::http::invite_staff_again,
    auth::staff::http::accept_invitation,
    auth::devices::http::enrol_device,
    auth::devices::http::issue_device_token,
    enrolments::http::draft_enrolment,
    enrolments::http::list_enrolments,
    enrolments::http::show_enrolment,
    enrolments::http::edit_enrolment,
    enrolments::http::submit_enrolment,
    enrolments::revalidation::http::show_revalidation,
    enrolments::revalidation::http::revalidate_family,
    enrolments::opening::http::show_opening,
    enrolments::opening::http::order_opening,
    enrolments::opening::http::withdraw_opening,
    enrolments::desk::http::list_desk,
    enrolments::desk::http::list_outside_network,
    enrolments::desk::http::decide_enrolments,
    enrolments::desk::http::decide_as_agent,
    enrolments::desk::http::suspend_enrolment,
    enrolments::moves::http::record_arrival,
    enrolments::moves::http::record_departure,
    enrolments::moves::http::undo_departure,
    enrolments::on_behalf::http::enrol_on_behalf,
    enrolments::derogations::http::grant_derogation,
    enrolments::derogations::http::revoke_derogation,
    enrolments::derogations::http::list_derogations,
    enrolments::derogations::http::list_child_derogations,
    news::http::propose_news,
    news::http::list_news,
    news::http::approve_news,
    news::http::withdraw_news,
    enrolments::rosters::http::check_roster,
    enrolments::rosters::http::apply_roster,
    enrolments::rosters::http::check_department_roster,
    enrolments::rosters::http::apply_department_roster,
    enrolments::top_up::http::top_up_enrolment,
    enrolments::proofs::http::list_proofs,
    enrolments::proofs::http::decide_document,
    enrolments::schooling::http::show_schooling,
    enrolments::schooling::http::inspect_schooling,
    enrolments::schooling::http::ask_schooling,
    enrolments::schooling::http::accept_schooling,
    cards::http::show_card,
    cards::http::list_cards,
    cards::http::order_card,
    cards::http::activate_card,
    cards::http::draw_card_png,
    cards::http::draw_card_svg,
    cards::face::print_card,
    cards::face::draw_card,
    cards::http::block_card,
    cards::http::unblock_card,
    cards::http::replace_card,
    cards::http::list_card_keys,
    cards::offline::list_live_codes,
    cards::offline::list_refused_cards,
    cards::batches::http::register_card_maker,
    cards::batches::http::show_card_maker,
    cards::batches::http::freeze_card_batch,
    cards::batches::http::list_card_batches,
    cards::batches::http::show_card_batch,
    cards::batches::http::approve_card_batch,
    cards::batches::http::refreeze_card_batch,
    cards::batches::http::cancel_card_batch,
    cards::batches::http::export_card_batch,
    cards::batches::http::print_card_batch,
    cards::batches::http::post_card_batch,
    cards::found::report_found_card,
    cards::found::list_found_cards,
    cards::desk::inspect_cards,
    cards::desk::block_card_as_agent,
    cards::desk::replace_card_as_agent,
    journal::http::read_journal,
    seasons::http::list_seasons,
    seasons::http::show_season,
    seasons::http::draft_season,
    seasons::http::show_draft,
    seasons::http::rewrite_draft,
    seasons::http::discard_draft,
    seasons::http::publish_season,
    colleges::http::list_colleges,
    colleges::http::show_college,
    colleges::http::import_colleges,
    families::http::open_family,
    families::http::list_families,
    families::http::show_family,
    families::http::change_family,
    families::http::inspect_family,
    families::guardians::http::change_contact,
    families::guardians::http::invite_guardian,
    families::guardians::http::accept_guardian_invitation,
    families::guardians::http::change_guardian_rights,
    families::children::http::add_child,
    families::children::http::correct_child,
    families::children::http::list_children,
    families::children::http::show_child,
    families::consents::http::record_consent,
    families::consents::http::list_consents,
    photos::http::submit_photo,
    photos::http::list_photos,
    photos::http::show_photo,
    photos::http::remove_photo,
    documents::http::send_document,
    documents::http::list_documents,
    documents::http::read_own_document,
    documents::http::withdraw_document,
    documents::desk::http::list_waiting_documents,
    documents::desk::http::inspect_document,
    photos::review::http::list_photos_to_review,
    photos::review::http::view_photo,
    photos::review::http::decide_photo,
    photos::review::http::accept_photos,
    ledger::http::list_wallets,
    ledger::http::show_statement,
    ledger::http::export_statement,
    ledger::http::print_statement,
    ledger::refusals::http::list_refused_payments,
    ledger::desk::http::inspect_wallets,
    ledger::desk::http::inspect_statement,
    ledger::desk::http::inspect_holds,
    ledger::desk::http::inspect_refused_payments,
    ledger::desk::http::search_movements,
    ledger::desk::http::inspect_movement,
    ledger::tickets::http::make_ticket,
    ledger::tickets::http::transfer_to_merchant,
    ledger::tickets::http::list_tickets,
    ledger::tickets::http::show_ticket,
    ledger::tickets::http::print_ticket,
    ledger::tickets::http::cancel_ticket,
    ledger::rules::http::show_spending_rules,
    ledger::rules::http::show_ledger_rules,
    ledger::rules::http::set_ledger_rules,
    ledger::expiry::http::show_expiry,
    ledger::expiry::http::order_expiry,
    ledger::expiry::http::approve_expiry,
    ledger::expiry::http::refuse_expiry,
    ledger::expiry::http::show_expiry_report,
    ledger::expiry::http::show_expiry_report_csv,
    corrections::http::propose_correction,
    corrections::http::list_corrections,
    corrections::http::show_correction,
    corrections::http::approve_correction,
    corrections::http::refuse_correction,
    disputes::http::open_dispute,
    disputes::http::list_own_disputes,
    disputes::http::list_disputes,
    disputes::http::uphold_dispute,
    disputes::http::reject_dispute,
    merchants::http::register_merchant,
    merchants::http::list_merchants,
    merchants::http::affiliate_merchant,
    merchants::http::list_affiliations,
    merchants::http::move_affiliation,
    merchants::devices::http::invite_device,
    merchants::devices::http::list_devices,
    merchants::devices::http::revoke_device,
    merchants::devices::http::resume_device,
    merchants::counter::http::look_up_card,
    merchants::counter::http::list_operations,
    merchants::counter::http::show_day_totals,
    merchants::counter::http::show_operation,
    merchants::counter::http::refund_debit,
    settlement::accounts::http::propose_bank_account,
    settlement::accounts::http::list_bank_accounts,
    settlement::accounts::http::approve_bank_account,
    settlement::accounts::http::refuse_bank_account,
    settlement::http::plan_payouts,
    settlement::http::freeze_batch,
    settlement::http::list_batches,
    settlement::http::show_batch,
    settlement::http::approve_batch,
    settlement::http::cancel_batch,
    settlement::http::send_batch,
    settlement::http::show_credit_transfer,
    settlement::http::import_bank_return,
    settlement::exports::http::export_plan,
    settlement::exports::http::export_batch,
    settlement::returns::http::propose_payout_return,
    settlement::returns::http::list_payout_returns,
    settlement::returns::http::approve_payout_return,
    settlement::returns::http::refuse_payout_return,
    settlement::statements::http::list_payouts,
    settlement::statements::http::show_statement_csv,
    settlement::statements::http::show_statement_pdf,
    merchants::counter::keys::http::find_operation_by_key,
    merchants::counter::keys::http::find_hold_by_key,
    merchants::counter::keys::http::void_key,
    merchants::counter::holds::http::hold_card,
    merchants::counter::holds::http::list_holds,
    merchants::counter::holds::http::show_hold,
    merchants::counter::holds::http::capture_hold,
    merchants::counter::holds::http::void_hold,
    merchants::counter::holds::http::capture_ticket,
    merchants::http::list_open_merchants,
    canteen::services::http::show_canteen,
    canteen::services::http::open_canteen,
    canteen::services::http::end_canteen,
    canteen::services::http::cancel_canteen,
    canteen::services::http::list_canteen_colleges,
    canteen::services::http::add_canteen_colleges,
    canteen::services::http::end_canteen_college,
    canteen::services::http::cancel_canteen_college,
    canteen::calendars::http::draft_canteen_calendar,
    canteen::calendars::http::show_canteen_calendar_draft,
    canteen::calendars::http::publish_canteen_calendar,
    canteen::calendars::http::show_canteen_calendar,
    canteen::calendars::http::list_meal_days,
    canteen::calendars::http::declare_closure,
    canteen::calendars::http::withdraw_closure,
    canteen::calendars::http::list_closures,
    canteen::tariffs::simulator::simulate_price,
    canteen::tariffs::http::list_tariffs,
    canteen::tariffs::http::draft_grid,
    canteen::tariffs::http::list_grids,
    canteen::tariffs::http::show_grid,
    canteen::tariffs::http::rewrite_grid,
    canteen::tariffs::http::discard_grid,
    canteen::tariffs::http::publish_grid,
}

/// The description of every endpoint (OpenAPI 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    Endpoints::openapi()
}

/// The description as the repository keeps it.
pub fn document_yaml() -> Result<String, Error> {
    document().to_yaml().map_err(Error::internal)
}

/// The same description as YAML, for generators of clients.
#[get("/openapi.yaml")]
async fn serve_description(_visitor: Visitor) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().content_type("application/yaml").body(document_yaml()?))
}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document
            .components
            .get_or_insert_with(Components::new)
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Which methods each path takes: what an unmatched request is answered from.
pub struct Description(Vec<(ResourceDef, Vec<&'static str>)>);

impl Description {
    #[must_use]
    pub fn new() -> Self {
        let document = document();
        let methods = |item: &utoipa::openapi::PathItem| {
            let all = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
        };
        let paths = document.paths.paths.iter();
        Self(paths.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item))).collect())
    }
}

impl Default for Description {
    fn default() -> Self {
        Self::new()
    }
}

/// 405 with `Allow` where the path exists for another method, 404 where it does not.
pub async fn no_such_route(request: HttpRequest, description: web::Data<Description>) -> Result<HttpResponse, Error> {
    let allowed: Vec<&str> = description
        .0
        .iter()
        .filter(|(path, _)| path.is_match(request.path()))
        .flat_map(|(_, methods)| methods.clone())
        .collect();
    if allowed.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    Ok(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed.join(", "))).finish())
}
