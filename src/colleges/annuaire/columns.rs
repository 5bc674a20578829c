//! One row of the directory: where its columns are, and what they say of a school.

use super::{CollegeRow, ImportError};
use crate::kernel::{
    department::Department,
    text::{Label, Uai},
    words::SchoolKind,
};
use csv::StringRecord;

/// Where the header puts the columns that matter.
pub(super) struct Columns {
    width: usize,
    uai: usize,
    name: usize,
    school_type: usize,
    sector: usize,
    contract: usize,
    department: usize,
    city: usize,
    postal_code: usize,
    state: usize,
}

impl Columns {
    /// Names are compared without case, spaces as underscores: the directory has written them in both ways.
    pub(super) fn find(header: &StringRecord) -> Result<Self, ImportError> {
        let fold = |name: &str| name.trim().to_lowercase().replace(' ', "_");
        let names: Vec<String> = header.iter().map(fold).collect();
        let place = |wanted: &'static str| {
            names.iter().position(|name| *name == fold(wanted)).ok_or(ImportError::MissingColumn(wanted))
        };
        Ok(Self {
            width: names.len(),
            uai: place("Identifiant_de_l_etablissement")?,
            name: place("Nom_etablissement")?,
            school_type: place("Type_etablissement")?,
            sector: place("Statut_public_prive")?,
            contract: place("Type_contrat_prive")?,
            department: place("Code_departement")?,
            city: place("Nom_commune")?,
            postal_code: place("Code postal")?,
            state: place("etat")?,
        })
    }

    /// The school a row is about, if its code can be read; its control letter keeps a shifted column from passing for one.
    pub(super) fn uai(&self, record: &StringRecord) -> Option<Uai> {
        record.get(self.uai)?.parse().ok()
    }

    /// The collège of a row, `None` when it is not one of the department's, or the first thing wrong with it.
    pub(super) fn row(
        &self,
        record: &StringRecord,
        line: u64,
        department: Department,
    ) -> Result<Option<CollegeRow>, String> {
        if record.len() != self.width {
            return Err(format!("La ligne compte {} colonnes au lieu de {}.", record.len(), self.width));
        }
        let value = |place: usize| record.get(place).unwrap_or_default().trim();
        let is_college = matches!(value(self.school_type).to_lowercase().as_str(), "collège" | "college");
        if !is_college || department_of(value(self.department)) != Some(department) {
            return Ok(None);
        }
        let postal_code = value(self.postal_code);
        if postal_code.len() != 5 || !postal_code.bytes().all(|b| b.is_ascii_digit()) {
            return Err("Le code postal doit compter cinq chiffres.".to_owned());
        }
        let named = |what: &str, place: usize| -> Result<Label, String> {
            value(place).parse().map_err(|why| format!("{what} n'est pas lisible : {why}."))
        };
        Ok(Some(CollegeRow {
            line,
            uai: value(self.uai).parse().map_err(|why| format!("L'identifiant n'est pas lisible : {why}."))?,
            name: named("Le nom", self.name)?,
            kind: kind_of(value(self.sector), value(self.contract))?,
            department,
            city: named("La commune", self.city)?,
            postal_code: postal_code.to_owned(),
            open: value(self.state).to_uppercase() == "OUVERT",
        }))
    }
}

/// The directory writes a department on three characters: `035`, `02A`, `974`.
fn department_of(code: &str) -> Option<Department> {
    let short = code.strip_prefix('0').filter(|rest| rest.len() == 2).unwrap_or(code);
    short.to_uppercase().parse().ok()
}

/// Any contract with the State, simple or of association, for all classes or some, is a contract. A word never seen is a problem:
/// it decides who is entitled.
fn kind_of(sector: &str, contract: &str) -> Result<SchoolKind, String> {
    match (sector.to_lowercase().as_str(), contract.to_uppercase().as_str()) {
        ("public", _) => Ok(SchoolKind::Public),
        ("privé" | "prive", "" | "HORS CONTRAT" | "SANS OBJET") => Ok(SchoolKind::PrivateOutsideContract),
        ("privé" | "prive", contract) if contract.starts_with("CONTRAT ") => Ok(SchoolKind::PrivateUnderContract),
        ("privé" | "prive", _) => Err("Le type de contrat n'est pas connu.".to_owned()),
        _ => Err("L'établissement n'est ni public ni privé.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departments_are_read_as_the_directory_writes_them() {
        for (code, expected) in
            [("035", "35"), ("02A", "2A"), ("02b", "2B"), ("974", "974"), ("001", "01"), ("92", "92")]
        {
            assert_eq!(department_of(code), expected.parse().ok(), "{code}");
        }
        assert_eq!(department_of(""), None);
        assert_eq!(department_of("0035"), None);
    }

    #[test]
    fn the_contract_makes_the_kind_of_a_private_school() {
        let outside = Ok(SchoolKind::PrivateOutsideContract);
        for none in ["", "HORS CONTRAT", "SANS OBJET", "hors contrat"] {
            assert_eq!(kind_of("Privé", none), outside, "{none}");
        }
        for some in ["CONTRAT D'ASSOCIATION TOUTES CLASSES", "CONTRAT SIMPLE POUR PARTIE DES CLASSES"] {
            assert_eq!(kind_of("Privé", some), Ok(SchoolKind::PrivateUnderContract), "{some}");
        }
        assert_eq!(kind_of("Public", "SANS OBJET"), Ok(SchoolKind::Public));
        assert!(kind_of("Privé", "EN COURS").is_err());
        assert!(kind_of("", "HORS CONTRAT").is_err());
    }
}
