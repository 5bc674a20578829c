//! The register of data (GDPR, article 30), column by column: its class, what it serves and how long it is kept; in French, because
//! DPOs publish it. A test fails for a column that is not here, and for a line whose column is gone.

/// What a column tells about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing about anybody: rules, dates of the service, public facts.
    None,
    /// An id that leads to somebody through another table.
    PseudonymousId,
    /// Name, quality, rights of an adult.
    Identity,
    /// E-mail, telephone, postal address.
    Contact,
    /// What describes a child: name, birth date, schooling.
    Child,
    Photo,
    /// Secrets, hashes and sealed keys: of no use to anyone but the service.
    Secret,
    Money,
    /// States, versions, instants and counters of the machinery.
    Technical,
}

/// Columns of one table that share everything.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    pub class: Class,
    /// Why it is kept.
    pub purpose: &'static str,
    /// How long it is kept.
    pub retention: &'static str,
}

/// `"table" { Class [columns] "purpose", "retention"; … }`
macro_rules! register {
    ($($table:literal { $($class:ident [$($column:literal)+] $purpose:expr, $retention:expr;)+ })+) => {
        &[$($(Line { table: $table, columns: &[$($column),+], class: Class::$class, purpose: $purpose, retention: $retention }),+),+]
    };
}

mod canteen;

// Durations that come back.
const NO_LIMIT: &str = "sans limite : aucune donnée personnelle";
const ACCOUNT: &str = "tant que le compte est revalidé chaque année";
const STAFF: &str = "durée des fonctions, puis 12 mois";
const FAMILY: &str = "tant que le dossier est revalidé chaque année";
const CHILD: &str = "scolarité au collège et revalidation annuelle, puis effacement";
const SEASON: &str = "année scolaire, puis durée de recouvrement des sommes";
const WAITING: &str = "jusqu'à la décision, au plus 6 mois et la fin de la saison";
const ACCOUNTS_KEEPING: &str = "durée légale des pièces comptables (10 ans)";
const JOURNAL: &str = "12 mois en ligne";
const JOB: &str = "jusqu'à l'envoi ; échecs purgés sous 30 jours";
const MIGRATIONS: &str = "suivi des versions du schéma";
const TRACE: &str = "36 mois";
const STATE_ANSWER: &str = "jusqu'au mois d'août de l'année scolaire";
const ORDER: &str = "rattachement et ordre des lignes";

/// The directory: what all departments share.
pub const DIRECTORY: &[Line] = register! {
    "accounts" {
        PseudonymousId ["id"] "identifiant du compte", ACCOUNT;
        Technical ["kind" "created_at" "email_verified_at"] "état du compte", ACCOUNT;
        Contact ["email"] "identifiant de connexion et envoi des liens", ACCOUNT;
        Secret ["password_hash" "totp_sealed"] "authentification", ACCOUNT;
        Technical ["totp_confirmed_at" "totp_last_step"] "second facteur : un code ne sert qu'une fois", ACCOUNT;
    }
    "staff_roles" {
        PseudonymousId ["id" "account_id" "invited_by"] "habilitation d'un agent ou d'un secrétariat", STAFF;
        Identity ["department" "role" "agent_function" "college_uai" "name"] "nom et fonction de la personne habilitée", STAFF;
        Technical ["invited_at" "revoked_at"] "dates de l'habilitation", STAFF;
    }
    "recovery_codes" {
        PseudonymousId ["account_id"] ORDER, STAFF;
        Secret ["code_hash"] "secours du second facteur", STAFF;
        Technical ["used_at"] "un code ne sert qu'une fois", STAFF;
    }
    "mail_tokens" {
        PseudonymousId ["account_id"] ORDER, "jusqu'à l'expiration du lien (7 jours au plus)";
        Secret ["token_hash"] "preuve de l'adresse par un lien à usage unique", "jusqu'à l'expiration du lien (7 jours au plus)";
        Technical ["purpose" "created_at" "expires_at" "used_at"] "vie du lien", "jusqu'à l'expiration du lien (7 jours au plus)";
    }
    "sessions" {
        PseudonymousId ["id" "account_id"] "session ouverte par une personne", JOURNAL;
        Technical ["created_at" "expires_at" "factor_at" "ended_at" "ended_because"] "vie de la session", JOURNAL;
    }
    "refresh_tokens" {
        PseudonymousId ["session_id"] ORDER, "fin de la session";
        Secret ["token_hash"] "continuation de la session, détection du vol", "fin de la session";
        Technical ["created_at" "used_at"] "un jeton ne sert qu'une fois", "fin de la session";
    }
    "throttles" {
        PseudonymousId ["subject"] "empreinte à clé de l'adresse ou du compte : frein aux essais", "24 heures";
        Technical ["scope" "window_started_at" "attempts"] "comptage des essais", "24 heures";
    }
    "signing_keys" {
        None ["kid" "public_key"] "vérification des jetons", NO_LIMIT;
        Secret ["private_sealed"] "signature des jetons", "30 minutes après le remplacement de la clé";
        Technical ["created_at" "signs_from" "published_until"] "vie de la clé", NO_LIMIT;
    }
    "merchants" {
        PseudonymousId ["id"] "identifiant de l'organisme", ACCOUNTS_KEEPING;
        Identity ["siret" "name"] "organisme affilié, qui peut être une personne physique", ACCOUNTS_KEEPING;
        Technical ["created_at"] "date d'entrée", ACCOUNTS_KEEPING;
    }
    "devices" {
        PseudonymousId ["id" "merchant_id"] "caisse ou serveur d'un organisme", ACCOUNTS_KEEPING;
        PseudonymousId ["operator_id"] "prestataire de restauration à qui est l'appareil", ACCOUNTS_KEEPING;
        None ["department" "kind" "label" "public_key" "college_uai" "recipient"] "appareil habilité", ACCOUNTS_KEEPING;
        Secret ["enrolment_hash"] "code d'enrôlement à usage unique", "jusqu'à l'enrôlement";
        Technical ["state" "enrolment_expires_at" "created_at" "enrolled_at" "revoked_at" "bad_codes" "bad_codes_since"]
            "vie de l'appareil et frein aux codes devinés", ACCOUNTS_KEEPING;
    }
    "used_assertions" {
        PseudonymousId ["device_id"] ORDER, "jusqu'à l'expiration de l'assertion (5 minutes)";
        Technical ["jti" "expires_at"] "une assertion ne sert qu'une fois", "jusqu'à l'expiration de l'assertion (5 minutes)";
    }
    "colleges" {
        None ["uai" "name" "kind" "department" "city" "postal_code" "open" "updated_at"] "annuaire public des collèges", NO_LIMIT;
    }
    "audit" {
        PseudonymousId ["id" "request_id" "actor_id" "object_id"] "qui a fait quoi, sur quoi", JOURNAL;
        Technical ["at" "actor_kind" "action" "object_kind" "details"] "journal : identifiants et montants, aucun nom", JOURNAL;
    }
    "jobs" {
        PseudonymousId ["id"] ORDER, JOB;
        Contact ["payload"] "message à envoyer : adresse et texte", JOB;
        Technical ["kind" "created_at" "run_at" "attempts" "last_error"] "file d'attente", JOB;
    }
    "__diesel_schema_migrations" {
        None ["version" "run_on"] MIGRATIONS, NO_LIMIT;
    }
};

/// A department: its families and their rights, and its canteen.
#[must_use]
pub fn department() -> Vec<Line> {
    [FILES, canteen::CANTEEN].concat()
}

const FILES: &[Line] = register! {
    "season_versions" {
        None ["season" "version" "state" "rules" "effective_from"] "règles de la saison", NO_LIMIT;
        PseudonymousId ["drafted_by" "published_by"] "auteur des règles", STAFF;
        Technical ["drafted_at" "published_at"] "dates des règles", NO_LIMIT;
    }
    "families" {
        PseudonymousId ["id" "created_by"] "dossier familial et compte qui l'a ouvert", FAMILY;
        Technical ["created_at" "debit_notices"] "date d'ouverture ; avis à chaque paiement, si la famille le demande", FAMILY;
    }
    "guardians" {
        PseudonymousId ["id" "family_id" "account_id"] "responsable légal d'un dossier", FAMILY;
        Identity ["first_names" "last_name"] "identité du responsable légal", FAMILY;
        Contact ["email" "phone" "postal_address"] "coordonnées propres, jamais montrées à un autre responsable", FAMILY;
        Identity ["rights" "rights_from" "rights_until"] "autorité parentale : dates, jamais la cause", FAMILY;
        Secret ["invitation_hash"] "invitation d'un autre responsable", "jusqu'à l'acceptation ou l'expiration";
        Technical ["invitation_expires_at" "created_at"] "vie de la fiche", FAMILY;
    }
    "children" {
        PseudonymousId ["id" "family_id"] "enfant d'un dossier", CHILD;
        Child ["first_names" "last_name" "birth_date" "residence"] "identité et conditions d'éligibilité", CHILD;
        Technical ["created_at" "version"] "vie de la fiche", CHILD;
    }
    "photos" {
        PseudonymousId ["id" "child_id" "family_id" "decided_by"] "portrait d'un enfant, et l'agent qui l'a accepté ou refusé", CHILD;
        Photo ["image_sealed" "till_sealed" "gate_sealed"] "portrait chiffré, un format par destinataire : carte et département, caisse, cantine ; lutte contre l'usage de la carte d'autrui", "scolarité au collège ; effacé dès un refus, un remplacement ou un retrait";
        Child ["reason" "note"] "motif du refus, dit à la famille", "jusqu'à la photo suivante";
        Technical ["hints"] "cadrage et netteté signalés à l'agent : aucun gabarit biométrique", "jusqu'à la décision";
        Technical ["state" "submitted_at" "decided_at" "version"] "où en est la photo", CHILD;
    }
    "documents" {
        PseudonymousId ["id" "child_id" "family_id" "sent_by" "decided_by"] "justificatif d'un enfant, qui l'a envoyé, qui l'a décidé", SEASON;
        Child ["kind" "refusal_reason" "refusal_note"] "nature du justificatif et motif de la décision", SEASON;
        Secret ["content_hash"] "empreinte à clé du fichier : preuve de ce qui a été examiné", SEASON;
        Technical ["season" "media" "bytes" "state" "received_at" "closed_at" "deletion_reason" "version"]
            "où en est le justificatif", SEASON;
    }
    "document_files" {
        PseudonymousId ["document_id" "family_id" "sent_by"] ORDER, WAITING;
        Child ["file_sealed"] "justificatif chiffré, lu par les agents qui instruisent et par qui l'a envoyé", WAITING;
        Secret ["key_sealed" "key_version"] "clé propre du fichier, chiffrée par celle du département", WAITING;
    }
    "consents" {
        PseudonymousId ["id" "family_id" "guardian_id"] "auteur du choix", FAMILY;
        Identity ["purpose" "granted" "text_version" "channel"] "preuve du consentement ou de son retrait", FAMILY;
        Technical ["at"] "date du choix", FAMILY;
    }
    "enrolments" {
        PseudonymousId ["id" "child_id" "family_id"] "inscription d'un enfant à une saison", SEASON;
        Child ["college_uai" "college_name" "in_network" "level" "formula"] "scolarité et choix de la famille", SEASON;
        Child ["declares_scholarship" "ase"] "droits particuliers déclarés", SEASON;
        Child ["rule" "refusal_reason" "refusal_note"] "motif de la décision", SEASON;
        Technical ["season" "state" "created_at" "submitted_at" "decided_at" "version"] "où en est la demande", SEASON;
    }
    "enrolment_events" {
        PseudonymousId ["id" "enrolment_id"] ORDER, SEASON;
        Child ["note"] "mot adressé à la famille", SEASON;
        Technical ["at" "event" "state" "actor_kind"] "suivi daté montré à la famille", SEASON;
    }
    "ledger_accounts" {
        PseudonymousId ["id" "merchant_id"] "compte d'un organisme ou du financement", ACCOUNTS_KEEPING;
        None ["kind"] "nature du compte", ACCOUNTS_KEEPING;
    }
    "wallets" {
        PseudonymousId ["id" "child_id" "family_id" "enrolment_id"] "porte-monnaie d'un enfant", ACCOUNTS_KEEPING;
        Money ["balance_cents" "held_cents"] "solde", ACCOUNTS_KEEPING;
        Technical ["season" "kind" "version" "spend_before" "capture_before" "swept_at"] "usage du porte-monnaie", ACCOUNTS_KEEPING;
        Technical ["head"] "empreinte du dernier mouvement : preuve que rien n'a été réécrit", ACCOUNTS_KEEPING;
    }
    "transfers" {
        PseudonymousId ["id" "from_account" "to_account" "wallet_id" "client_id" "merchant_id" "reverses" "hold_id" "request_id"]
            "mouvement d'argent et ceux qu'il relie", ACCOUNTS_KEEPING;
        Money ["kind" "amount_cents" "balance_after_cents" "grant_kind" "reason"] "mouvement et sa cause", ACCOUNTS_KEEPING;
        Child ["holder_first_name" "holder_initial"] "ce que la caisse a vu, pour répondre pareil à un renvoi", SEASON;
        Child ["activity_label" "activity_date"] "activité payée", ACCOUNTS_KEEPING;
        Technical ["wallet_version" "at" "key" "fingerprint" "hash"] "ordre sans trou, unicité et preuve du mouvement", ACCOUNTS_KEEPING;
    }
    "holds" {
        PseudonymousId ["id" "wallet_id" "merchant_id" "client_id" "request_id"] "somme réservée et ceux qu'elle relie", ACCOUNTS_KEEPING;
        Money ["kind" "amount_cents" "captured_cents"] "somme réservée", ACCOUNTS_KEEPING;
        Secret ["code_fingerprint" "code_sealed"] "code du ticket : empreinte à clé et copie chiffrée", SEASON;
        Child ["holder_first_name" "holder_initial"] "ce que la caisse a vu, pour répondre pareil à un renvoi", SEASON;
        Child ["activity_label" "activity_date"] "activité payée", ACCOUNTS_KEEPING;
        Technical ["state" "key" "fingerprint" "made_at" "expires_at" "closed_at"] "vie de la réservation", ACCOUNTS_KEEPING;
    }
    "ledger_rules" {
        None ["effective_from" "debit_max_cents" "card_day_max_cents" "till_minute_max_debits" "till_hold_minutes"]
            "plafonds fixés par le département", NO_LIMIT;
        None ["refund_alone_max_cents" "correction_alone_max_cents" "dispute_days"] "seuils et délais fixés par le département", NO_LIMIT;
        PseudonymousId ["id" "set_by"] "auteur des règles", STAFF;
        Technical ["set_at"] "date des règles", NO_LIMIT;
    }
    "till_minutes" {
        PseudonymousId ["client_id"] "caisse", "une minute";
        Technical ["minute" "debits"] "plafond de paiements par minute", "une minute";
    }
    "disputes" {
        PseudonymousId ["id" "transfer_id" "family_id" "merchant_id" "opened_by" "decided_by" "reversal_id"]
            "contestation d'un paiement", ACCOUNTS_KEEPING;
        Child ["reason" "note" "decision_note"] "ce que la famille conteste, ce que l'agent a décidé", ACCOUNTS_KEEPING;
        Technical ["state" "opened_at" "decided_at"] "où en est la contestation", ACCOUNTS_KEEPING;
    }
    "corrections" {
        PseudonymousId ["id" "transfer_id" "proposed_by" "decided_by" "reversal_id"] "correction d'un mouvement et ses auteurs", ACCOUNTS_KEEPING;
        Money ["amount_cents" "reason"] "ce qui est rendu ou repris, et pourquoi", ACCOUNTS_KEEPING;
        Child ["note" "decision_note"] "explication, pour le département seul", ACCOUNTS_KEEPING;
        Technical ["two_persons" "state" "proposed_at" "decided_at" "key" "fingerprint"]
            "où en est la correction ; demandée deux fois, elle est faite une fois", ACCOUNTS_KEEPING;
    }
    "enrolment_attestations" {
        PseudonymousId ["enrolment_id" "attested_by"] "qui, au collège, a reconnu l'élève", SEASON;
        Child ["college_uai" "level"] "le collège et le niveau reconnus", SEASON;
        Technical ["attested_at"] "date de la parole du collège", SEASON;
    }
    "derogations" {
        PseudonymousId ["id" "child_id" "family_id" "granted_by" "revoked_by"] "enfant admis par dérogation, et par qui", SEASON;
        Child ["reason"] "motif de la dérogation, pour le département seul", SEASON;
        Technical ["season" "waives" "until" "granted_at" "revoked_at"] "ce qui est levé, et jusqu'à quand", SEASON;
    }
    "news" {
        PseudonymousId ["id" "written_by" "decided_by" "last_guardian"] "qui a écrit et approuvé les nouvelles, jusqu'où elles sont parties", JOURNAL;
        None ["subject" "body"] "nouvelles du département", JOURNAL;
        Technical ["state" "written_at" "decided_at" "letters" "sent_at"] "où en est l'envoi", JOURNAL;
    }
    "season_openings" {
        PseudonymousId ["id" "ordered_by" "last_family"] "qui a ordonné l'ouverture, où elle en est", ACCOUNTS_KEEPING;
        Technical ["season" "from_season" "expected_children" "ordered_at" "runs_at" "state" "carried" "leaving" "families" "done_at"]
            "ouverture d'une saison et ce qu'elle a fait", ACCOUNTS_KEEPING;
    }
    "roster_checks" {
        PseudonymousId ["id" "checked_by"] "qui a vérifié une liste d'élèves avant qu'un autre l'applique", JOURNAL;
        Technical ["digest" "season" "counts" "checked_at"] "empreinte et décompte d'une liste ; aucun élève", JOURNAL;
    }
    "season_expiries" {
        PseudonymousId ["id" "ordered_by" "decided_by"] "qui a ordonné la fin de saison, qui l'a approuvée ou refusée", ACCOUNTS_KEEPING;
        Money ["expected_wallets" "expected_cents" "wallets_swept" "lost_cents"] "sommes perdues en fin de saison", ACCOUNTS_KEEPING;
        Technical ["season" "state" "ordered_at" "decided_at" "runs_at" "done_at"] "où en est l'ordre", ACCOUNTS_KEEPING;
    }
    "ledger_refusals" {
        PseudonymousId ["client_id" "merchant_id" "card_id"] "qui a demandé, sur quelle carte", JOURNAL;
        Money ["amount_cents"] "montant refusé", JOURNAL;
        Technical ["key" "fingerprint" "reason" "at"] "un refus est définitif pour sa clé", JOURNAL;
    }
    "cards" {
        PseudonymousId ["id" "child_id" "family_id"] "carte d'un enfant", CHILD;
        Secret ["code_fingerprint" "code_sealed"] "code de la carte : empreinte à clé et copie chiffrée", CHILD;
        Technical ["state" "form" "valid_until" "issued_at" "blocked_at" "block_reason" "batch_rank"] "vie de la carte", CHILD;
        PseudonymousId ["batch_id"] "lot dans lequel la carte a été imprimée", CHILD;
    }
    "card_makers" {
        PseudonymousId ["id" "registered_by"] "fabricant des cartes, et qui l'a enregistré", ACCOUNTS_KEEPING;
        None ["name" "recipient" "registered_at"] "entreprise, et clé publique qui chiffre ce qui lui est envoyé", ACCOUNTS_KEEPING;
    }
    "card_batches" {
        PseudonymousId ["id" "frozen_by" "approved_by"] "lot de cartes à imprimer, et qui en répond", ACCOUNTS_KEEPING;
        Technical ["number" "state" "cards" "hash" "recipient" "frozen_at" "approved_at" "printed_at" "exported_at" "posted_at"]
            "où en est le lot, et preuve de son contenu", ACCOUNTS_KEEPING;
    }
    "found_cards" {
        PseudonymousId ["id" "card_id" "family_id"] "carte trouvée", CHILD;
        Contact ["place"] "où la carte attend, dans les mots de qui l'a trouvée ; montré à la famille et au département", CHILD;
        Technical ["reported_at"] "date du signalement", CHILD;
    }
    "card_keys" {
        None ["kid" "public_key"] "vérification des cartes hors ligne", NO_LIMIT;
        Secret ["private_sealed"] "signature des cartes", "durée de validité des cartes signées";
        Technical ["created_at"] "vie de la clé", NO_LIMIT;
    }
    "affiliations" {
        PseudonymousId ["id" "merchant_id" "account_id"] "convention d'un organisme", ACCOUNTS_KEEPING;
        Identity ["merchant_name"] "nom montré aux familles sur leur relevé", ACCOUNTS_KEEPING;
        Technical ["wallet_kind" "state" "starts_on" "ends_on" "created_at" "version"] "vie de la convention", ACCOUNTS_KEEPING;
    }
    "bank_accounts" {
        PseudonymousId ["id" "merchant_id" "proposed_by" "decided_by"] "compte bancaire d'un organisme ou du département, et qui l'a proposé et approuvé", ACCOUNTS_KEEPING;
        Identity ["holder_name"] "titulaire du compte, qui peut être une personne physique", ACCOUNTS_KEEPING;
        Secret ["iban_sealed"] "IBAN chiffré : il n'est ouvert que pour le fichier de virement et pour reconnaître un compte proposé deux fois", ACCOUNTS_KEEPING;
        Money ["iban_last4"] "reconnaissance du compte à l'écran", ACCOUNTS_KEEPING;
        Technical ["state" "proposed_at" "decided_at" "effective_from"] "vie du compte", ACCOUNTS_KEEPING;
    }
    "payout_batches" {
        PseudonymousId ["id" "debtor_account_id" "frozen_by" "first_approved_by" "second_approved_by"] "lot de versements et qui en répond", ACCOUNTS_KEEPING;
        Money ["total_cents"] "total à verser", ACCOUNTS_KEEPING;
        Technical ["number" "until" "state" "hash" "frozen_at" "first_approved_at" "second_approved_at" "sent_at"] "vie du lot et empreinte de son contenu", ACCOUNTS_KEEPING;
    }
    "payouts" {
        PseudonymousId ["id" "batch_id" "merchant_id" "bank_account_id" "carried_into"] "versement à un organisme", ACCOUNTS_KEEPING;
        Identity ["merchant_name"] "nom de l'organisme sur le relevé et le virement", ACCOUNTS_KEEPING;
        Money ["lines_cents" "carried_in_cents" "amount_cents"] "montant du versement", ACCOUNTS_KEEPING;
        Technical ["state" "end_to_end_id" "reason_code"] "réponse de la banque", ACCOUNTS_KEEPING;
    }
    "payout_lines" {
        PseudonymousId ["transfer_id" "payout_id"] "mouvement versé, une seule fois", ACCOUNTS_KEEPING;
        Money ["amount_cents"] "montant signé", ACCOUNTS_KEEPING;
    }
    "payout_returns" {
        PseudonymousId ["id" "payout_id" "proposed_by" "decided_by"] "versement revenu de la banque, constaté par deux personnes", ACCOUNTS_KEEPING;
        Technical ["reason_code" "state" "proposed_at" "decided_at"] "motif de la banque et vie du constat", ACCOUNTS_KEEPING;
    }
    "authority_limits" {
        Technical ["authority" "next_call_at" "blocked_until" "failures" "paused_until"] "rythme des appels aux administrations", NO_LIMIT;
    }
    "authority_calls" {
        PseudonymousId ["id" "enrolment_id" "request_id"] "trace d'un appel à une administration : pour quelle demande", TRACE;
        Technical ["authority" "operation" "at" "outcome" "error_code" "duration_ms"] "trace d'un appel : quand, quelle issue, aucune donnée", TRACE;
    }
    "schooling_checks" {
        PseudonymousId ["enrolment_id" "child_id" "call_id"] "question posée au service de l'État sur la scolarité", STATE_ANSWER;
        Child ["civil_sex"] "exigé par le service de l'État pour retrouver l'élève", "tant que la question est posée";
        Child ["college_uai" "is_enrolled" "told_uai"] "collège demandé et réponse, pour aider le collège à confirmer", STATE_ANSWER;
        Technical ["season" "state" "asked_at" "next_try_at" "attempts" "answered_at"] "où en est la question", STATE_ANSWER;
    }
    "scholarship_answers" {
        PseudonymousId ["enrolment_id"] ORDER, STATE_ANSWER;
        Child ["is_scholar" "echelon"] "bourse selon le service de l'État, pour les seuls agents", STATE_ANSWER;
        Technical ["answered_at"] "date de la réponse", STATE_ANSWER;
    }
    "audit" {
        PseudonymousId ["id" "request_id" "actor_id" "object_id"] "qui a fait quoi, sur quoi", JOURNAL;
        Technical ["at" "actor_kind" "action" "object_kind" "details"] "journal : identifiants et montants, aucun nom", JOURNAL;
    }
    "jobs" {
        PseudonymousId ["id"] ORDER, JOB;
        Contact ["payload"] "message à envoyer : adresse et texte", JOB;
        Technical ["kind" "created_at" "run_at" "attempts" "last_error"] "file d'attente", JOB;
    }
    "__diesel_schema_migrations" {
        None ["version" "run_on"] MIGRATIONS, NO_LIMIT;
    }
};
