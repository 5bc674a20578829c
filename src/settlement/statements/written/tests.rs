use super::*;
use crate::{
    corrections::CorrectionReason,
    kernel::ids::{BankAccountId, MerchantId, PayoutBatchId, PayoutId},
    settlement::PayoutRow,
};
use uuid::Uuid;

const TILL: Uuid = Uuid::from_bytes([7; 16]);

fn statement(label: &str, carried: i64) -> Statement {
    let line = |kind: &str, cents| StatementLine {
        transfer_id: TransferId::from_uuid(Uuid::nil()),
        kind: kind.to_owned(),
        at: "2026-09-30T22:30:05Z".parse().expect("an instant"),
        wallet_kind: WalletKind::Sport,
        activity_label: label.parse().ok(),
        activity_date: NaiveDate::from_ymd_opt(2026, 10, 2),
        amount: Cents::new(cents),
        client_id: Some(TILL),
        reverses: None,
        reason: None,
    };
    let refund = StatementLine { reverses: Some(TransferId::from_uuid(Uuid::nil())), ..line("refund", -5_000) };
    let corrected =
        StatementLine { reason: Some(CorrectionReason::Dispute), client_id: None, ..line("reversal", -1_000) };
    let payout = PayoutRow {
        id: PayoutId::generate(),
        batch_id: PayoutBatchId::generate(),
        merchant_id: MerchantId::generate(),
        merchant_name: "Club nautique".to_owned(),
        bank_account_id: BankAccountId::generate(),
        lines: Cents::new(94_000),
        carried_in: Cents::new(carried),
        amount: Cents::new(94_000 + carried),
        state: PayoutState::ToPay,
        end_to_end_id: "PP92-12-1".to_owned(),
        reason_code: None,
        carried_into: None,
    };
    Statement {
        department: "92".parse().expect("a department"),
        number: 12,
        until: "2026-11-22T14:03:00Z".parse().expect("an instant"),
        payout,
        iban_last4: "0189".to_owned(),
        lines: vec![line("debit", 100_000), refund, corrected],
    }
}

fn payee() -> Payee {
    let label = "Caisse 1".parse().expect("a label");
    Payee { siret: "35600000000048".parse().expect("a number"), devices: [(TILL, label)].into() }
}

fn csv(label: &str, carried: i64) -> String {
    String::from_utf8(statement(label, carried).csv(&payee()).expect("a file")).expect("UTF-8")
}

#[test]
fn a_table_reads_well_in_a_french_spreadsheet() {
    let id = "00000000-0000-0000-0000-000000000000";
    let line = |what: &str, till: &str, origin: &str, amount: &str| {
        format!("01/10/2026;00:30:05;{what};Sport;\"Stage; « voile »\";02/10/2026;{till};{id};{origin};{amount}\r\n")
    };
    let expected = [
        "\u{feff}Date;Heure;Opération;Motif;Porte-monnaie;Activité;Date de l'activité;Caisse;Référence;Opération d'origine;Montant en euros\r\n",
        &line("Encaissement;", "Caisse 1", "", "1000,00"),
        &line("Remboursement;", "Caisse 1", id, "-50,00"),
        &line("Correction;Contestation acceptée", "", "", "-10,00"),
        ";;Sous-total des encaissements;;;;;;;;1000,00\r\n",
        ";;Sous-total des remboursements;;;;;;;;-50,00\r\n",
        ";;Sous-total des corrections;;;;;;;;-10,00\r\n",
        ";;Report des lots précédents;;;;;;;;-0,05\r\n",
        ";;Total;;;;;;;;939,95\r\n",
        ";;Département;92;;;;;;;\r\n",
        ";;Organisme;Club nautique;;;;;;;\r\n",
        ";;SIRET;35600000000048;;;;;;;\r\n",
        ";;Lot;12;;;;;;;\r\n",
        ";;Période;du 01/10/2026 à 00:30 jusqu'au 22/11/2026 à 15:03;;;;;;;\r\n",
        ";;Référence du virement;PP92-12-1;;;;;;;\r\n",
        ";;Compte crédité;se terminant par 0189;;;;;;;\r\n",
        ";;État;virement attendu : la banque n'a pas encore répondu;;;;;;;\r\n",
    ];
    assert_eq!(csv("Stage; « voile »", -5), expected.concat());
    assert!(!csv("Voile", 0).contains("Report"));
}

#[test]
fn a_label_is_never_a_formula() {
    for label in ["=1+1", "+33", "-2", "@SUM(A1)"] {
        let csv = csv(label, 0);
        assert!(csv.contains(&format!(";'{label};")), "{csv}");
    }
}

#[test]
fn a_document_is_printed_for_a_payment_and_for_a_debt() {
    for carried in [0, -94_000, -200_000] {
        assert!(statement("Voile", carried).pdf(&payee()).expect("a PDF").starts_with(b"%PDF"));
    }
}
