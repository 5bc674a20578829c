//! The canteen: who eats where, at what price and why.

use super::*;

const CANTEEN_BILLS: &str = "tant que les sommes peuvent être recouvrées";
const YEAR_END: &str = "fin de la saison";

pub const CANTEEN: &[Line] = register! {
    "canteen_calendars" {
        PseudonymousId ["drafted_by" "published_by"] "qui a écrit et publié le calendrier de la cantine", ACCOUNTS_KEEPING;
        None ["season" "version" "state" "calendar" "drafted_at" "published_at"] "jours où la cantine sert", NO_LIMIT;
    }
    "canteen_closures" {
        PseudonymousId ["id" "declared_by" "withdrawn_by"] "qui a fermé une cantine", ACCOUNTS_KEEPING;
        None ["college_uai" "from_day" "until_day" "kind" "label" "declared_at" "withdrawn_at"] "fermetures de la cantine", NO_LIMIT;
    }
    "canteen_services" {
        PseudonymousId ["id" "declared_by"] "qui a déclaré la restauration scolaire", ACCOUNTS_KEEPING;
        None ["starts_on" "ends_on" "declared_at"] "quand le département sert des repas", NO_LIMIT;
    }
    "canteen_colleges" {
        PseudonymousId ["id" "declared_by"] "qui a déclaré le collège", ACCOUNTS_KEEPING;
        None ["uai" "starts_on" "ends_on" "declared_at"] "collèges où des repas sont servis", NO_LIMIT;
    }
    "canteen_grids" {
        PseudonymousId ["id" "replaces" "drafted_by" "published_by"] "grille tarifaire, qui l'a écrite et qui l'a publiée", ACCOUNTS_KEEPING;
        None ["diner" "version" "state" "grid" "starts_on" "ends_on" "drafted_at" "published_at"] "tarifs de la cantine", NO_LIMIT;
    }
    "canteen_adults" {
        PseudonymousId ["id" "registered_by"] "adulte qui mange au collège, et qui l'a inscrit", CANTEEN_BILLS;
        Identity ["kind" "last_name" "first_names"] "nom du commensal ou de l'invité", CANTEEN_BILLS;
        Contact ["email"] "envoi des factures", CANTEEN_BILLS;
        Technical ["college_uai" "registered_at" "left_at" "version"] "collège et dates", CANTEEN_BILLS;
    }
    "canteen_enrolments" {
        PseudonymousId ["id" "person_id" "family_id" "enrolled_by"] "inscription à la cantine", CANTEEN_BILLS;
        Child ["college_uai" "weekdays" "diet" "starts_on" "ends_on"] "où, quand et ce que mange le convive ; un régime est un choix de menu, jamais une religion", SEASON;
        Technical ["season" "diner" "state" "end_reason" "laid_out_version" "enrolled_at" "ended_at" "version"] "où en est l'inscription", CANTEEN_BILLS;
    }
    "canteen_meals" {
        PseudonymousId ["person_id" "enrolment_id" "family_id"] "repas d'un convive", CANTEEN_BILLS;
        Child ["day" "college_uai" "state"] "repas réservé, pris, annulé ou excusé : base de la facture", CANTEEN_BILLS;
        Technical ["changed_at"] "date du dernier changement", CANTEEN_BILLS;
    }
    "canteen_means" {
        PseudonymousId ["id" "person_id" "family_id" "request_id" "decided_by"] "ressources d'un convive et qui les a constatées", CANTEEN_BILLS;
        Secret ["means_sealed"] "ressources, chiffrées : revenu fiscal et parts, quotient familial ou indice", YEAR_END;
        Technical ["season" "starts_on" "source" "decided_at" "purged_at"] "origine et dates", CANTEEN_BILLS;
    }
    "canteen_rates" {
        PseudonymousId ["id" "person_id" "family_id" "grid_id" "means_id"] "tarif d'un convive", CANTEEN_BILLS;
        Money ["cents" "unit" "meal_cents" "explanation"] "prix et son explication, sans les chiffres fiscaux", CANTEEN_BILLS;
        Secret ["explanation_sealed"] "explication complète, chiffrée", YEAR_END;
        Technical ["season" "starts_on" "set_at"] "depuis quand", CANTEEN_BILLS;
    }
    "canteen_rate_requests" {
        PseudonymousId ["id" "family_id" "requested_by" "inquiry_id" "call_id" "decided_by"] "demande de tarif réduit, qui l'a faite et qui l'a décidée", CANTEEN_BILLS;
        Identity ["text_version" "requested_at" "way" "households"] "preuve de la demande cochée : texte lu, date, administration interrogée", CANTEEN_BILLS;
        Secret ["identity_sealed"] "état civil que la CAF ou la MSA demande, chiffré", "jusqu'à sa réponse, au plus 7 jours";
        Identity ["answer" "answer_detail" "source" "income_year" "income_month" "is_year_before" "reason" "note"] "issue et motif de la décision, aucun chiffre fiscal", CANTEEN_BILLS;
        Technical ["season" "state" "inquiries" "held_until" "next_try_at" "attempts" "answered_at" "closed_at" "version"] "où en est la demande", CANTEEN_BILLS;
    }
    "canteen_rate_request_children" {
        PseudonymousId ["request_id" "child_id" "family_id" "before_id" "after_id"] "enfants d'une demande de tarif réduit, tarifs avant et après", CANTEEN_BILLS;
        Technical ["season" "starts_on" "closed_at"] "dates", CANTEEN_BILLS;
    }
    "canteen_rate_request_steps" {
        PseudonymousId ["id" "request_id" "family_id"] "étapes d'une demande de tarif réduit", CANTEEN_BILLS;
        Technical ["step" "at"] "étape et date", CANTEEN_BILLS;
    }
    "canteen_care_plans" {
        PseudonymousId ["id" "child_id" "family_id" "recorded_by" "ended_by"] "projet d'accueil individualisé", SEASON;
        Secret ["measures_sealed"] "ce que la cuisine doit faire, jamais la maladie ; chiffré", SEASON;
        Child ["college_uai" "own_meal" "starts_on" "ends_on"] "repas apporté par la famille, et dates", SEASON;
        Technical ["recorded_at" "ended_at"] "dates", SEASON;
    }
};
