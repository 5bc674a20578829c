//! The table of refusals: name, status, stable code, and the French sentence that people read.

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $status:literal $code:literal $sentence:literal;)*) => {
        /// Everything the service may refuse, one line each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal { $($(#[$doc])* $name),* }

        impl Refusal {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }
            /// The stable code that programs test.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }
            /// The sentence that people read.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

refusals! {
    // Requests
    MalformedBody 400 "request.malformed" "Le corps de la requête n'est pas du JSON lisible.";
    MalformedQuery 400 "request.query" "Les paramètres de la requête ne sont pas lisibles.";
    NotFound 404 "not_found" "Rien ne se trouve à cette adresse, ou rien que vous puissiez voir.";
    MethodNotAllowed 405 "method_not_allowed" "Cette adresse n'accepte pas cette méthode.";
    BodyTooLarge 413 "request.too_large" "Le corps de la requête dépasse la taille admise.";
    UnsupportedMediaType 415 "request.media_type" "Le type de contenu attendu n'est pas celui-ci.";
    InvalidFields 422 "request.invalid" "Certains champs ne sont pas valables.";
    IdempotencyKeyMissing 422 "idempotency.missing" "L'en-tête Idempotency-Key (un UUID) est obligatoire pour un mouvement d'argent.";
    IdempotencyKeyMalformed 422 "idempotency.malformed" "Une clé d'idempotence est un UUID de 36 caractères, autre que l'UUID nul.";
    IdempotencyKeyReused 422 "idempotency.reused" "Cette clé a déjà servi pour une autre demande.";
    StaleVersion 409 "version.stale" "Cette fiche a changé depuis votre lecture : relisez-la avant de recommencer.";
    // Availability
    Busy 503 "service.busy" "Le service est très sollicité : réessayez dans quelques secondes.";
    Unavailable 503 "service.unavailable" "Le service est momentanément indisponible : réessayez dans quelques instants.";
    StorageFull 503 "service.storage_full" "Le service ne peut rien enregistrer pour le moment : rien n'a été fait, réessayez plus tard.";
    Internal 500 "internal" "Une erreur est survenue de notre fait ; elle est enregistrée sous le numéro de cette demande.";
    // Access
    Unauthenticated 401 "auth.required" "Identifiez-vous pour continuer.";
    InvalidToken 401 "auth.invalid_token" "Votre session n'est pas ou n'est plus valable : identifiez-vous à nouveau.";
    WrongCredentials 401 "auth.wrong_credentials" "Adresse ou mot de passe incorrect.";
    SecondFactorRequired 401 "auth.second_factor_required" "Saisissez le code de votre application d'authentification.";
    WrongSecondFactor 401 "auth.wrong_second_factor" "Ce code n'est pas le bon, ou il a déjà servi.";
    Forbidden 403 "auth.forbidden" "Votre rôle ne permet pas cette action.";
    StepUpRequired 403 "auth.step_up_required" "Confirmez votre identité avec un code récent avant cette action.";
    TooManyAttempts 429 "auth.too_many_attempts" "Trop d'essais : patientez avant de recommencer.";
    WeakPassword 422 "password.weak" "Mot de passe trop faible : 12 caractères de quatre sortes, 14 de trois sortes, ou une phrase d'au moins 7 mots.";
    InvalidLink 422 "link.invalid" "Ce lien n'est pas valable, ou il a déjà servi, ou il a expiré.";
    AlreadyInvited 409 "staff.already_exists" "Cette adresse appartient déjà à un compte du service.";
    UnknownRefresh 401 "auth.refresh_unknown" "Votre session est terminée : identifiez-vous à nouveau.";
    WrongAssertion 401 "device.invalid_client" "L'appareil n'a pas prouvé son identité.";
    // Seasons
    SeasonNotDraft 409 "season.no_draft" "Cette saison n'a pas de brouillon.";
    SeasonDraftExists 409 "season.draft_exists" "Cette saison a déjà un brouillon.";
    SeasonInvalid 422 "season.invalid_rules" "Les règles de la saison ne peuvent pas être publiées en l'état.";
    SeasonRetroactive 409 "season.retroactive" "Une règle publiée ne peut pas changer le passé : choisissez une date d'effet à venir.";
    SeasonVersionTaken 409 "season.effective_taken" "Une version de cette saison prend déjà effet à cet instant.";
    SeasonClosed 409 "season.closed" "Cette saison n'est pas ouverte aux inscriptions.";
    // Families
    FamilyAlreadyOpen 409 "family.already_open" "Vous avez déjà ouvert un dossier familial dans ce département.";
    AlreadyGuardian 409 "guardian.already_member" "Ce compte fait déjà partie de cette famille.";
    AlreadyChild 409 "child.already_registered" "Cet enfant est déjà inscrit dans la famille.";
    ConsultOnly 403 "guardian.consult_only" "Vos droits sur ce dossier ne permettent que la consultation.";
    ChildEnrolled 409 "child.enrolled" "L'identité d'un enfant inscrit ne se change plus en ligne : adressez-vous au département.";
    TooManyMembers 409 "family.too_many" "Le nombre maximal de fiches de ce dossier est atteint.";
    PhotoRefused 422 "photo.refused" "Cette photo ne peut pas être utilisée.";
    // Documents
    DocumentRefused 422 "document.refused" "Ce document ne peut pas être pris.";
    TooManyDocuments 409 "document.too_many" "Trop de documents de cet enfant attendent déjà d'être examinés.";
    DocumentAlreadySent 409 "document.already_sent" "Ce fichier est déjà reçu et attend d'être examiné.";
    DocumentOfRequest 409 "document.of_rate_request" "Ce justificatif est celui d'une demande de tarif réduit : décidez la demande, le fichier part avec elle.";
    DocumentTransition 409 "document.transition" "Ce document est déjà décidé, retiré ou effacé.";
    PhotoTransition 409 "photo.transition" "L'état actuel de la photo ne permet pas cette action.";
    // Collèges
    ImportRefused 422 "college.import_refused" "Ce fichier ne peut pas être importé.";
    UnknownCollege 422 "college.unknown" "Ce collège n'est pas connu ou n'est plus ouvert.";
    ArrivalNotFound 404 "college.arrival_not_found" "Aucun élève unique d'un autre collège ne correspond à cette identité.";
    // Enrolments
    OtherDepartmentPays 409 "enrolment.other_department" "Cet élève relève du département de son collège : ouvrez-y un dossier pour l'inscrire.";
    AlreadyEnrolled 409 "enrolment.already_exists" "Cet enfant a déjà une inscription pour cette saison.";
    NewsTransition 409 "news.transition" "Une décision a déjà été prise sur ce message.";
    PupilKnown 409 "pupil.already_known" "Cet élève a déjà un dossier : sa famille y fait la demande, ou vous enregistrez son arrivée.";
    DerogationExists 409 "derogation.already_granted" "Cet enfant a déjà une dérogation de cette sorte pour la saison.";
    DerogationTransition 409 "derogation.already_revoked" "Cette dérogation a déjà été retirée.";
    NotEligible 422 "enrolment.not_eligible" "L'enfant ne remplit aucune des conditions de la saison.";
    DeadlinePassed 409 "enrolment.deadline_passed" "La date limite d'inscription est dépassée.";
    UnknownFormula 422 "enrolment.unknown_formula" "Cette formule n'existe pas pour la saison.";
    DuplicatePupil 409 "enrolment.duplicate_pupil" "Cet élève a déjà ses droits pour la saison par un autre dossier.";
    EnrolmentTransition 409 "enrolment.transition" "L'état actuel de l'inscription ne permet pas cette action.";
    RosterUnreadable 422 "roster.unreadable" "Ce fichier n'est pas une liste d'élèves lisible.";
    RosterChanged 409 "roster.changed" "La situation ou le fichier a changé depuis la vérification : rien n'a été fait, vérifiez de nouveau avant d'appliquer.";
    RosterNotChecked 409 "roster.not_checked" "Une autre personne doit d'abord vérifier ce même fichier : aucune vérification de moins de sept jours n'y correspond.";
    // What the State's services are asked
    AuthorityOff 409 "authority.off" "Ce département n'interroge pas les services de l'État.";
    SchoolingAsked 409 "schooling.already_asked" "La question est déjà posée, ou l'a été dans l'heure : attendez la réponse.";
    NoScholarshipTold 409 "schooling.no_scholarship" "Le service de l'État n'a pas indiqué que cet élève est boursier.";
    // Cards
    NoCard 404 "card.none" "Cet enfant n'a pas de carte.";
    CardTransition 409 "card.transition" "L'état actuel de la carte ne permet pas cette action.";
    CardAlreadyOrdered 409 "card.already_ordered" "Une carte plastique est déjà commandée, ou déjà entre vos mains.";
    NoCardComing 409 "card.none_coming" "Aucune carte plastique n'est en route pour cet enfant.";
    WrongCardProof 422 "card.wrong_proof" "Ce n'est pas le numéro de la carte envoyée : recopiez-le en entier, ou ses cinq derniers caractères.";
    NoCardMaker 409 "card_batch.no_maker" "Le département n'a pas encore de fabricant de cartes.";
    NothingToPrint 409 "card_batch.nothing_to_print" "Aucune carte commandée n'attend, ou aucune dont la photo est acceptée.";
    CardBatchTransition 409 "card_batch.transition" "L'état actuel du lot de cartes ne permet pas cette action.";
    CardBatchTampered 409 "card_batch.tampered" "Le contenu du lot de cartes n'est plus celui qui a été arrêté (une photo ou une carte a changé) : arrêtez-le de nouveau.";
    CardBatchFigures 409 "card_batch.figures" "Le nombre ou l'empreinte donnés par le fabricant ne sont pas ceux du lot : rien n'a été fait.";
    // Canteen
    CanteenCalendarNotDraft 409 "canteen_calendar.not_draft" "Cette saison n'a pas de calendrier de cantine en brouillon.";
    CanteenCalendarInvalid 422 "canteen_calendar.invalid" "Ce calendrier ne peut pas être publié en l'état.";
    CanteenCalendarRetroactive 409 "canteen_calendar.retroactive" "Les jours déjà passés ne changent plus : reprenez-les tels qu'ils ont été publiés.";
    ClosureTransition 409 "canteen_closure.transition" "Cette fermeture a déjà été retirée.";
    ClosureOverlap 409 "canteen_closure.overlap" "Une fermeture déjà déclarée couvre un ou plusieurs de ces jours.";
    OperatorNameTaken 409 "canteen_operator.name_taken" "Un prestataire de la cantine porte déjà ce nom.";
    CanteenNoCalendar 409 "canteen.no_calendar" "Le calendrier de la cantine n'est pas encore publié pour cette saison.";
    CanteenRequestNeeded 409 "canteen.request_needed" "L'enfant n'a pas, pour cette saison, de demande envoyée dans un collège.";
    CanteenUnsettled 409 "canteen.unsettled" "Des sommes échues restent à régler pour la cantine.";
    AlreadyInCanteen 409 "canteen.already_enrolled" "Ce convive est déjà inscrit à la cantine pour cette saison.";
    CanteenEnded 409 "canteen.ended" "Cette inscription à la cantine est terminée.";
    CanteenTooLate 409 "canteen.too_late" "Il est trop tard pour changer ce repas.";
    WeekdaysFixed 409 "canteen.weekdays_fixed" "Les jours de la semaine ne changent plus : annulez ou ajoutez des repas un à un.";
    NoMealsLeft 409 "canteen.no_meals_left" "Il ne reste aucun repas qui puisse encore être réservé.";
    NoMealThatDay 409 "canteen.no_meal" "La cantine ne sert pas ce convive ce jour-là.";
    MealTransition 409 "canteen.meal_transition" "Ce repas ne peut pas changer ainsi : relisez où il en est.";
    WrongDiner 409 "canteen.wrong_diner" "Cela ne concerne pas cette sorte de convives.";
    AdultKnown 409 "canteen_adult.exists" "Cette personne est déjà convive de ce collège, avec les mêmes noms et la même adresse.";
    AdultLeft 409 "canteen.adult_left" "Cette personne ne mange plus au collège.";
    CarePlanExists 409 "care_plan.exists" "Cet enfant a déjà un projet d'accueil à ces dates : mettez-y fin d'abord.";
    CarePlanEnded 409 "care_plan.ended" "Ce projet d'accueil est déjà terminé.";
    CanteenNotOffered 409 "canteen.not_offered" "Aucun repas n'est servi là à cette date.";
    CanteenOverlap 409 "canteen.overlap" "Cette période en recouvre une autre, déjà déclarée.";
    CanteenPeriod 409 "canteen.period" "Une période commencée ne s'annule pas, une période finie ne change plus.";
    NoTariff 404 "tariff.none" "Aucune grille tarifaire n'est en vigueur ce jour-là pour ces convives.";
    GridDraftExists 409 "tariff.draft_exists" "Ces convives ont déjà une grille en brouillon.";
    GridNotDraft 409 "tariff.not_draft" "Cette grille n'est plus un brouillon : une grille publiée ne change jamais.";
    GridInvalid 422 "tariff.invalid_grid" "Cette grille ne peut pas être publiée en l'état.";
    GridOverlap 409 "tariff.overlap" "Une autre grille des mêmes convives est en vigueur pendant cette période.";
    GridRetroactive 409 "tariff.retroactive" "Une grille n'en remplace une autre qu'à partir d'un jour à venir.";
    PassageNumberUsed 409 "passage.number_used" "Ce passage porte le numéro d'un autre : numérotez chaque lecture une seule fois.";
    NoCanteenToday 409 "canteen.none_today" "Cet enfant n'est attendu aujourd'hui dans aucune cantine.";
    TooManyDayCodes 409 "day_code.too_many" "Trop de codes ont déjà été donnés aujourd'hui pour cet enfant.";
    // Attendance and bills
    AttendanceLocked 409 "attendance.locked" "Ce mois est arrêté pour la facturation : ses repas ne changent plus.";
    AttendanceTransition 409 "attendance.transition" "L'état actuel de ce repas ne permet pas cette action.";
    AttendanceLongPast 409 "attendance.long_past" "Ce jour est trop ancien pour y enregistrer un repas.";
    AttendanceSeenByGate 409 "attendance.seen_by_gate" "Une borne a compté ce passage : seul un agent du département peut le retirer.";
    AttendanceMonthOpen 409 "attendance.month_open" "Ce mois ne peut pas encore être arrêté.";
    AttendanceGaps 409 "attendance.gaps" "Des passages de ce mois manquent peut-être : attendez-les, ou dites pourquoi il est arrêté sans eux.";
    AttendanceMonthTransition 409 "attendance.month_transition" "Ce mois est déjà arrêté, ou il ne l'est pas.";
    AttendanceMonthInRun 409 "attendance.month_in_run" "Une facturation en cours porte sur ce mois : abandonnez-la d'abord.";
    BillRunExists 409 "bill_run.exists" "Une facturation est déjà en cours : émettez-la ou abandonnez-la.";
    BillRunTransition 409 "bill_run.transition" "L'état actuel de cette facturation ne permet pas cette action.";
    BillRunNothing 409 "bill_run.nothing" "Il n'y a rien à facturer : aucun mois arrêté n'attend, et rien n'a changé.";
    BillRunUnpriced 409 "bill_run.unpriced" "Des repas de cette facturation n'ont pas de tarif ou de payeur.";
    BillRunFigures 409 "bill_run.figures" "Ce n'est plus ce qui a été vu : relisez la facturation avant de recommencer.";
    BillRunTampered 409 "bill_run.tampered" "Le contenu de cette facturation n'est plus celui qui a été contrôlé : refaites le brouillon.";
    BillNotCancellable 409 "bill.not_cancellable" "Seule une facture dont il reste quelque chose à reprendre peut être annulée.";
    CancellationTransition 409 "cancellation.transition" "Cette annulation est déjà décidée, ou sa décision attend une autre personne.";
    PaymentUndone 409 "payment.undone" "Ce paiement est déjà contre-passé, ou est lui-même une contre-passation.";
    PaymentRecorded 409 "payment.already_recorded" "Ce paiement est déjà enregistré sur ce compte : si c'en est un autre, confirmez-le.";
    RefundExceedsCredit 409 "refund.exceeds_credit" "Le remboursement dépasserait ce que ce compte a en faveur du payeur.";
    WaiverExists 409 "waiver.exists" "Cette famille a déjà une dispense pour cette saison.";
    // Reduced rates
    ReducedRateOpen 409 "reduced_rate.already_asked" "Une demande de tarif réduit est déjà en cours pour cet enfant et cette saison.";
    ReducedRateNotEnrolled 409 "reduced_rate.not_enrolled" "Cet enfant n'a pas d'inscription en cours à la cantine pour cette saison.";
    ReducedRateNone 409 "reduced_rate.none" "Le prix de la cantine est le même pour tous : il n'y a pas de tarif réduit à demander.";
    ReducedRateTransition 409 "reduced_rate.transition" "L'état actuel de cette demande de tarif réduit ne permet pas cette action.";
    ReducedRateText 409 "reduced_rate.text" "Ce n'est pas le texte de la demande en vigueur : lisez celui du jour, puis cochez la demande.";
    ReducedRateTooMany 409 "reduced_rate.too_many" "Trop d'essais ont été faits : envoyez un justificatif de ressources, un agent décidera.";
    // Merchants and money
    AlreadyMerchant 409 "merchant.already_exists" "Un organisme porte déjà ce numéro SIRET.";
    AlreadyAffiliated 409 "affiliation.already_exists" "Une convention est déjà en cours pour cet organisme et ce porte-monnaie.";
    AffiliationTransition 409 "affiliation.transition" "L'état actuel de la convention ne permet pas cette action.";
    DeviceKeyTaken 409 "device.key_taken" "Cette clé est ou a été celle d'un autre appareil : l'appareil doit s'en faire une à lui.";
    DeviceTransition 409 "device.transition" "L'état actuel de l'appareil ne permet pas cette action.";
    NotAffiliated 409 "merchant.not_affiliated" "Votre convention ne permet pas d'encaisser sur ce porte-monnaie.";
    /// Unknown, blocked, expired or uncovered: a till cannot tell them apart.
    DebitRefused 409 "debit.refused" "Le paiement est refusé : demandez un autre moyen de paiement à la famille.";
    RefundExceeds 409 "refund.exceeds_debit" "Les remboursements dépasseraient le montant encaissé.";
    RefundNeedsAgent 409 "refund.needs_agent" "Un remboursement de ce montant se demande au département.";
    AboveDebitCap 409 "debit.above_cap" "Ce montant dépasse le plafond par paiement fixé par le département.";
    AboveTillCap 429 "debit.till_busy" "Cette caisse a atteint le nombre de paiements admis par minute : réessayez à la minute suivante, avec la même clé.";
    PaidWithOtherWallet 409 "debit.other_wallet" "Cette activité est déjà payée avec l'autre porte-monnaie : les deux ne s'additionnent pas.";
    DebitVoided 409 "debit.voided" "Cette clé a été annulée : aucun paiement ne peut plus être fait avec elle.";
    SpendingOver 409 "wallet.spending_over" "La dernière date de dépense de cette saison est passée.";
    HoldCaptured 409 "hold.captured" "Cette somme réservée a déjà été encaissée.";
    HoldVoided 409 "hold.voided" "Cette somme réservée a été annulée.";
    HoldExpired 409 "hold.expired" "La date limite d'encaissement de cette somme réservée est passée.";
    HoldExceeded 409 "hold.exceeded" "Le montant demandé dépasse la somme réservée.";
    TransferWhole 409 "hold.whole_only" "Un virement s'accepte en entier : encaissez toute la somme, ou refusez-le.";
    LossNotAccepted 409 "ticket.loss_not_accepted" "La dernière date de dépense est passée : annulé, ce montant est perdu. Confirmez que vous l'acceptez.";
    TicketActivity 409 "ticket.other_activity" "Ce ticket est pour une autre activité ou une autre date que celles que vous indiquez.";
    TicketNotRecognised 404 "ticket.not_recognised" "Ce ticket n'est pas reconnu, ou n'est pas pour votre organisme.";
    VoidOfRefund 409 "void.of_refund" "Cette clé est celle d'un remboursement : il ne s'annule pas.";
    // The same rules told to the family, which may know how its own wallets are.
    MerchantNotOpen 409 "merchant.not_open" "Cet organisme n'accepte pas ce porte-monnaie en ce moment.";
    InsufficientFunds 409 "wallet.insufficient_funds" "Le solde disponible ne couvre pas ce montant.";
    WalletNotActive 409 "wallet.not_active" "L'inscription de l'enfant n'est pas active : ce porte-monnaie ne peut pas servir.";
    AboveDayCap 409 "wallet.above_day_cap" "Ce montant dépasse le plafond de dépense par jour fixé par le département.";
    ReversalExceeds 409 "reversal.exceeds" "Les annulations dépasseraient le montant du mouvement.";
    RulesRetroactive 409 "ledger_rules.retroactive" "Une règle du porte-monnaie ne change pas le passé : choisissez une date d'effet à venir.";
    RulesTaken 409 "ledger_rules.effective_taken" "D'autres règles prennent déjà effet à cet instant.";
    CorrectionTransition 409 "correction.transition" "Cette correction est déjà décidée.";
    CorrectionFunds 409 "correction.insufficient_funds" "Le porte-monnaie n'a plus ce crédit : il ne peut pas le rendre.";
    ToppedUp 409 "enrolment.topped_up" "Le complément de cette inscription est déjà versé.";
    NoTopUp 409 "enrolment.no_top_up" "La saison ne prévoit pas de complément pour la formule de cette inscription.";
    OpeningFigures 409 "opening.figures_changed" "Les chiffres ne sont plus ceux-là : refaites l'essai avant d'ordonner l'ouverture.";
    OpeningOrdered 409 "opening.already_ordered" "L'ouverture de cette saison est déjà ordonnée et n'est pas terminée.";
    OpeningTransition 409 "opening.transition" "Aucun ordre d'ouverture n'attend, ou il a commencé.";
    ExpiryFigures 409 "expiry.figures_changed" "Les chiffres ne sont plus ceux-là : refaites l'essai avant d'ordonner la fin de saison.";
    ExpiryOrdered 409 "expiry.already_ordered" "La fin de cette saison est déjà ordonnée et n'est pas terminée.";
    ExpiryTransition 409 "expiry.transition" "Une décision a déjà été prise sur cet ordre.";
    DisputeTooLate 409 "dispute.too_late" "Le délai pour contester ce paiement est passé.";
    AlreadyDisputed 409 "dispute.already_exists" "Ce paiement est déjà contesté.";
    DebitGivenBack 409 "dispute.given_back" "Ce paiement a déjà été rendu en entier.";
    DisputeTransition 409 "dispute.transition" "Cette contestation est déjà décidée, ou sa décision attend une autre personne.";
    CardNotRecognised 404 "card.not_recognised" "Cette carte n'est pas reconnue ou n'est pas utilisable.";
    LiveCodeOver 409 "card.live_code_over" "Le code affiché n'est pas celui du moment : demandez que le téléphone affiche le suivant.";
    // Settlement
    SamePerson 409 "four_eyes.same_person" "Une autre personne doit approuver : vous êtes déjà intervenu sur ce dossier.";
    BankAccountPending 409 "bank_account.pending" "Un compte proposé attend déjà une décision.";
    BankAccountTransition 409 "bank_account.transition" "Une décision a déjà été prise sur ce compte.";
    LedgerDrift 409 "settlement.ledger_drift" "Le grand livre ne se vérifie pas : aucun versement n'est possible avant correction.";
    SettlementUnbalanced 409 "settlement.unbalanced" "La somme des lignes n'est pas celle du grand livre : rien n'a été fait.";
    BatchTampered 409 "settlement.tampered" "Le contenu du lot n'est plus celui qui a été arrêté : rien n'a été fait.";
    BatchContested 409 "settlement.contested" "Des opérations de ce lot sont contestées : annulez-le et arrêtez-en un autre.";
    BatchTransition 409 "settlement.transition" "L'état actuel du lot ne permet pas cette action.";
    NothingDue 409 "settlement.nothing_due" "Il n'y a rien à verser jusqu'à cet instant.";
    NoDebtorAccount 409 "settlement.no_debtor_account" "Le département n'a pas de compte bancaire en vigueur.";
    BankFileUnreadable 422 "bank_return.unreadable" "Ce fichier n'est pas un compte rendu bancaire lisible (pain.002).";
    BankFileOfAnother 409 "bank_return.other_batch" "Ce compte rendu est celui d'un autre lot : rien n'a été importé.";
    BankFileUnknownPayout 409 "bank_return.unknown_payout" "Ce compte rendu cite un virement que le lot ne connaît pas : rien n'a été importé.";
    BankFileContradicts 409 "bank_return.contradicts" "Ce compte rendu contredit un rejet déjà importé : rien n'a été importé.";
    BankFileTakesBack 409 "bank_return.takes_back" "Ce compte rendu rejette un virement déjà payé : rien n'a été importé. Si la banque a rendu l'argent, deux personnes le constatent par un retour de fonds.";
    BankFileFigures 409 "bank_return.figures" "Un montant ou un nombre de ce compte rendu n'est pas celui du lot : rien n'a été importé.";
    ReturnNotPaid 409 "payout_return.not_paid" "Seul l'argent d'un versement que la banque a payé peut revenir.";
    ReturnPending 409 "payout_return.pending" "Un retour de fonds de ce versement attend déjà une décision.";
    ReturnTransition 409 "payout_return.transition" "Une décision a déjà été prise sur ce retour de fonds.";
}
