//! The canteen: who eats where, at what price and why.

use super::{ACCOUNTS_KEEPING, Class, Line, NO_LIMIT, ORDER};

const CANTEEN_BILLS: &str = "tant que les sommes peuvent être recouvrées";
const YEAR_END: &str = "fin de la saison";
const PASSAGES: &str = "quatre ans après l'année scolaire du repas ; plus longtemps si sa facture est contestée ou son mois pas encore facturé";
const DRAFTS: &str = "jusqu'au deuxième brouillon suivant de la même facturation";

pub const CANTEEN: &[Line] = register! {
    "canteen_calendars" {
        PseudonymousId ["drafted_by" "published_by"] "qui a écrit et publié le calendrier de la cantine", ACCOUNTS_KEEPING;
        None ["season" "version" "state" "calendar" "drafted_at" "published_at"] "jours où la cantine sert", NO_LIMIT;
    }
    "canteen_closures" {
        PseudonymousId ["id" "declared_by" "withdrawn_by"] "qui a fermé une cantine", ACCOUNTS_KEEPING;
        None ["college_uai" "from_day" "until_day" "kind" "label" "declared_at" "withdrawn_at" "applied_until"] "fermetures de la cantine", NO_LIMIT;
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
        Child ["college_uai" "weekdays" "starts_on" "ends_on"] "où et quand mange le convive : ce que coûtent un repas et un forfait", CANTEEN_BILLS;
        Child ["diet"] "choix de menu, jamais une religion ni une maladie", YEAR_END;
        Technical ["season" "diner" "state" "end_reason" "laid_out_version" "enrolled_at" "ended_at" "version"] "où en est l'inscription", CANTEEN_BILLS;
    }
    "canteen_meals" {
        PseudonymousId ["person_id" "enrolment_id" "family_id"] "repas d'un convive", CANTEEN_BILLS;
        Child ["day" "college_uai" "state" "is_single"] "repas réservé, pris, annulé ou excusé, choisi seul ou non : base de la facture", CANTEEN_BILLS;
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
        Technical ["season" "starts_on" "set_at" "days_a_week"] "depuis quand, pour combien de jours par semaine", CANTEEN_BILLS;
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
    "canteen_operators" {
        PseudonymousId ["id" "declared_by"] "prestataire de restauration, et qui l'a déclaré", ACCOUNTS_KEEPING;
        None ["name" "declared_at"] "nom du prestataire", NO_LIMIT;
    }
    "canteen_operator_sites" {
        PseudonymousId ["id" "operator_id" "declared_by"] "qui sert dans quel collège", ACCOUNTS_KEEPING;
        None ["college_uai" "starts_on" "ends_on" "declared_at"] "collèges d'un prestataire", NO_LIMIT;
    }
    "canteen_gate_rules" {
        PseudonymousId ["set_by"] "qui a fixé la règle", ACCOUNTS_KEEPING;
        None ["college_uai" "starts_on" "walk_ins" "set_at"] "repas sans réservation admis ou non", NO_LIMIT;
    }
    "canteen_day_codes" {
        PseudonymousId ["id" "child_id" "family_id" "issued_by"] "code d'un jour pour une carte oubliée, et qui l'a donné", "31 jours, tant qu'un passage sans réseau peut l'apporter";
        Secret ["code_hash"] "empreinte à clé du code", "31 jours, tant qu'un passage sans réseau peut l'apporter";
        Technical ["college_uai" "day" "issued_at"] "où et quand il sert", "31 jours, tant qu'un passage sans réseau peut l'apporter";
    }
    "canteen_passages" {
        PseudonymousId ["device_id" "operator_id" "person_id" "family_id"] "passage à la cantine", PASSAGES;
        Child ["college_uai" "day" "scanned_at" "let_in" "reason" "outcome" "turned_away"] "passage compté une fois : preuve du repas pris", PASSAGES;
        Technical ["sequence" "received_at" "offline"] "numéro et réception", PASSAGES;
        Secret ["fingerprint"] "empreinte à clé de l'envoi : une répétition n'est pas comptée deux fois", PASSAGES;
    }
    "canteen_gates" {
        PseudonymousId ["device_id" "operator_id"] "borne de passage d'un prestataire", ACCOUNTS_KEEPING;
        None ["college_uai" "label"] "où elle se trouve", ACCOUNTS_KEEPING;
        Technical ["heard_at" "revoked_at" "deleted_until"] "dernier contact, retrait, et numéros dont les passages sont effacés", ACCOUNTS_KEEPING;
    }
    "canteen_care_plans" {
        PseudonymousId ["id" "child_id" "family_id" "recorded_by" "ended_by"] "projet d'accueil individualisé", YEAR_END;
        Secret ["measures_sealed"] "ce que la cuisine doit faire, jamais la maladie ; chiffré", YEAR_END;
        Child ["college_uai" "own_meal" "starts_on" "ends_on"] "repas apporté par la famille, et dates", YEAR_END;
        Technical ["recorded_at" "ended_at"] "dates", YEAR_END;
    }
    "canteen_attendance_locks" {
        PseudonymousId ["id" "locked_by" "run_id" "reopened_by"] "qui a arrêté ou rouvert un mois, et la facturation qui le prend", ACCOUNTS_KEEPING;
        None ["college_uai" "month" "locked_at" "reopened_at" "reopen_reason" "accepted_gaps"] "mois dont les repas ne changent plus", ACCOUNTS_KEEPING;
    }
    "canteen_bill_runs" {
        PseudonymousId ["id" "begun_by" "checked_by" "issued_by" "abandoned_by"] "qui a préparé, contrôlé et émis les factures d'un mois", ACCOUNTS_KEEPING;
        Technical ["month" "state" "due_days" "draft_no" "begun_at" "checked_at" "issued_at" "abandoned_at"] "où en est la facturation", ACCOUNTS_KEEPING;
    }
    "canteen_bill_drafts" {
        PseudonymousId ["run_id" "drafted_by"] "brouillon d'une facturation et son auteur", ACCOUNTS_KEEPING;
        Money ["bills" "bills_cents" "credit_notes" "credits_cents"] "nombre et total de ce qui serait émis", ACCOUNTS_KEEPING;
        Technical ["draft_no" "unpriced" "digest" "drafted_at" "left_out"] "contrôle du brouillon", ACCOUNTS_KEEPING;
    }
    "canteen_draft_lines" {
        PseudonymousId ["run_id" "family_id" "adult_id" "payer_id" "corrects" "person_id" "rate_id" "grid_id" "origin_id"] "ligne d'un brouillon : payeur et convive", DRAFTS;
        Child ["college_uai" "month" "days"] "jours des repas", DRAFTS;
        Money ["kind" "meals" "unit_cents" "amount_cents"] "montant de la ligne", DRAFTS;
        Technical ["draft_no" "rank"] ORDER, DRAFTS;
    }
    "canteen_bill_series" {
        None ["kind" "year" "last"] "dernier numéro de chaque série, sans trou", NO_LIMIT;
    }
    "canteen_bills" {
        PseudonymousId ["id" "run_id" "family_id" "adult_id" "payer_id" "corrects"] "facture ou avoir, et son payeur", ACCOUNTS_KEEPING;
        Identity ["payer_name"] "nom du payeur au jour de l'émission", ACCOUNTS_KEEPING;
        Money ["kind" "total_cents" "balance_before_cents" "reason" "bill_again"] "montant facturé ou repris", ACCOUNTS_KEEPING;
        Technical ["year" "number" "month" "issued_on" "issued_at" "due_on"] "numéro, émission et échéance", ACCOUNTS_KEEPING;
    }
    "canteen_bill_lines" {
        PseudonymousId ["bill_id" "person_id" "rate_id" "grid_id" "origin_id"] "ligne d'une facture : convive et tarif", ACCOUNTS_KEEPING;
        Child ["diner_name" "college_uai" "month" "days"] "nom du convive et jours des repas facturés", ACCOUNTS_KEEPING;
        Money ["kind" "meals" "unit_cents" "amount_cents"] "montant de la ligne", ACCOUNTS_KEEPING;
        Technical ["rank"] ORDER, ACCOUNTS_KEEPING;
    }
    "canteen_payments" {
        PseudonymousId ["id" "family_id" "adult_id" "payer_id" "undoes" "recorded_by"] "paiement, son payeur et l'agent qui l'a saisi", ACCOUNTS_KEEPING;
        Money ["amount_cents" "means" "reference" "reason" "is_refund"] "ce qui a été payé ou remboursé, et comment", ACCOUNTS_KEEPING;
        Technical ["paid_on" "key" "fingerprint" "recorded_at"] "dates, et clé contre les doubles saisies", ACCOUNTS_KEEPING;
    }
    "canteen_cancellations" {
        PseudonymousId ["id" "bill_id" "proposed_by" "decided_by" "credit_note_id" "bill_to_family_id" "bill_to_adult_id"] "annulation d'une facture, qui l'a décidée et qui paiera", ACCOUNTS_KEEPING;
        Money ["reason" "bill_again" "note" "two_persons"] "motif de l'annulation", ACCOUNTS_KEEPING;
        Technical ["state" "key" "fingerprint" "proposed_at" "decided_at"] "où en est l'annulation", ACCOUNTS_KEEPING;
    }
    "canteen_reminders" {
        PseudonymousId ["bill_id"] "facture relancée", ACCOUNTS_KEEPING;
        Technical ["level" "sent_at"] "une lettre par niveau", ACCOUNTS_KEEPING;
    }
    "canteen_waivers" {
        PseudonymousId ["id" "family_id" "granted_by"] "dispense de régler avant de s'inscrire, et qui l'a accordée", CANTEEN_BILLS;
        Money ["season" "reason" "granted_at"] "saison et motif de la dispense", CANTEEN_BILLS;
    }
};
