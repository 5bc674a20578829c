//! Which documents there are, and which a pupil's situation asks for.

use crate::kernel::{text::SeasonCode, words::Level};
use chrono::{Datelike, NaiveDate};

/// Years a pupil may be ahead of his class or behind it before his age asks for a proof.
const AGE_GAP_MAX: i32 = 2;

text_enum! {
    /// What a document proves.
    pub enum DocumentKind {
        ProofOfAddress = "proof_of_address",
        CertificateOfSchooling = "certificate_of_schooling",
        ProofOfAge = "proof_of_age",
        ScholarshipNotice = "scholarship_notice",
        /// Of the child welfare service.
        AseAttestation = "ase_attestation",
        /// Where the administration's own answer fails.
        TaxNotice = "tax_notice",
        /// Of the CAF or the MSA, likewise.
        QuotientCertificate = "quotient_certificate",
        /// Adults in the canteen.
        PaySlip = "pay_slip",
    }
}

impl DocumentKind {
    /// What the canteen's price may rest on.
    pub const PROOFS_OF_MEANS: [Self; 2] = [Self::TaxNotice, Self::QuotientCertificate];

    /// Whether it is one of those.
    #[must_use]
    pub fn proves_means(self) -> bool {
        Self::PROOFS_OF_MEANS.contains(&self)
    }

    /// As families read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ProofOfAddress => "Justificatif de domicile",
            Self::CertificateOfSchooling => "Certificat de scolarité",
            Self::ProofOfAge => "Justificatif d'âge",
            Self::ScholarshipNotice => "Notification de bourse",
            Self::AseAttestation => "Attestation de l'aide sociale à l'enfance",
            Self::TaxNotice => "Avis d'impôt",
            Self::QuotientCertificate => "Attestation de quotient familial",
            Self::PaySlip => "Bulletin de paie",
        }
    }
}

/// What of a request decides which documents it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts, each with or without the others")]
pub struct Situation {
    /// A secretary of the department's network confirms the pupil; else an agent does, on documents.
    pub in_network: bool,
    pub declares_scholarship: bool,
    pub ase: bool,
    pub usual_age: bool,
}

/// The documents that a situation asks for, in the order of their list.
#[must_use]
pub fn required_for(situation: Situation) -> Vec<DocumentKind> {
    use DocumentKind as K;
    let asked = |kind: &K| match kind {
        K::ProofOfAddress | K::CertificateOfSchooling => !situation.in_network,
        K::ProofOfAge => !situation.usual_age,
        K::ScholarshipNotice => situation.declares_scholarship,
        K::AseAttestation => situation.ase,
        // Asked by those who set a price, never for an enrolment.
        K::TaxNotice | K::QuotientCertificate | K::PaySlip => false,
    };
    K::ALL.iter().copied().filter(asked).collect()
}

/// Whether a pupil born that day is of about the age of his class: eleven years in 6e by the end of the season's first year.
#[must_use]
pub fn is_usual_age(level: Level, season: &SeasonCode, birth_date: NaiveDate) -> bool {
    let usual = match level {
        Level::Sixieme => 11,
        Level::Cinquieme => 12,
        Level::Quatrieme => 13,
        Level::Troisieme => 14,
    };
    season.years().is_some_and(|(begins, _)| (begins - birth_date.year() - usual).abs() <= AGE_GAP_MAX)
}

#[cfg(test)]
mod tests {
    use super::{DocumentKind as K, *};

    #[test]
    fn each_situation_asks_for_its_own_documents() {
        let plain = Situation { in_network: true, declares_scholarship: false, ase: false, usual_age: true };
        let cases: [(Situation, &[K]); 6] = [
            (plain, &[]),
            (Situation { in_network: false, ..plain }, &[K::ProofOfAddress, K::CertificateOfSchooling]),
            (Situation { declares_scholarship: true, ..plain }, &[K::ScholarshipNotice]),
            (Situation { ase: true, ..plain }, &[K::AseAttestation]),
            (Situation { usual_age: false, ..plain }, &[K::ProofOfAge]),
            (
                Situation { in_network: false, declares_scholarship: true, ase: true, usual_age: false },
                &[K::ProofOfAddress, K::CertificateOfSchooling, K::ProofOfAge, K::ScholarshipNotice, K::AseAttestation],
            ),
        ];
        for (situation, expected) in cases {
            assert_eq!(required_for(situation), expected, "{situation:?}");
        }
    }

    #[test]
    fn two_years_ahead_or_behind_are_usual_and_three_are_not() {
        let season: SeasonCode = "2026-2027".parse().expect("a season");
        for (level, born, usual) in [
            (Level::Sixieme, 2015, true),
            (Level::Sixieme, 2017, true),
            (Level::Sixieme, 2018, false),
            (Level::Sixieme, 2013, true),
            (Level::Sixieme, 2012, false),
            (Level::Troisieme, 2012, true),
            (Level::Troisieme, 2009, false),
        ] {
            let born_on = NaiveDate::from_ymd_opt(born, 12, 31).expect("a day");
            assert_eq!(is_usual_age(level, &season, born_on), usual, "{level} {born}");
        }
    }

    #[test]
    fn every_kind_has_a_title_of_its_own() {
        let titles: std::collections::BTreeSet<_> = K::ALL.iter().map(|kind| kind.title()).collect();
        assert_eq!(titles.len(), K::ALL.len());
    }
}
