//! Reads the collèges of a department from the national school directory (*Annuaire de l'éducation*, open data), as its site
//! exports it: CSV, separator `;`, UTF-8, one row a school.
//!
//! The file is somebody else's: columns are found by name whatever their order, case or number. It holds the same UAI several times
//! when one collège has several sites; the first row is kept and the others are told, for a person to choose.

use crate::kernel::{
    department::Department,
    lines::Lines,
    text::{Label, Uai},
    words::SchoolKind,
};
use std::collections::{BTreeMap, BTreeSet};

mod columns;
use columns::Columns;

/// The whole country's file, all schools and columns, is about twice this; one department's collèges are under 300 kB.
pub const MAX_BYTES: usize = 20_000_000;
/// All schools of the largest department are about 3,000 rows, all collèges of the country about 7,500.
pub const MAX_ROWS: usize = 20_000;

/// A collège as the directory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollegeRow {
    /// Line of the file where the row starts; the header is line 1.
    pub line: u64,
    pub uai: Uai,
    pub name: Label,
    pub kind: SchoolKind,
    pub department: Department,
    pub city: Label,
    /// Five digits.
    pub postal_code: String,
    /// Anything but `OUVERT` (to be opened, to be closed) is not open.
    pub open: bool,
}

/// A row of the department's collèges that was left out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"line": 12, "detail": "Le code postal doit compter cinq chiffres."}))]
pub struct RowProblem {
    /// Line of the file where the row starts; the header is line 1.
    pub line: u64,
    /// A French sentence. It quotes nothing of the row but an UAI that was read.
    pub detail: String,
}

/// What a file held. Each of its rows is one of `rows`, one of `problems` or one of `ignored`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    /// No two with the same UAI, in the order of the file.
    pub rows: Vec<CollegeRow>,
    pub problems: Vec<RowProblem>,
    /// Schools that rows with a problem are about, when at least that could be read: they have not left the directory.
    pub unread: BTreeSet<Uai>,
    /// How many rows are of another department, or not collèges.
    pub ignored: usize,
}

/// Why a file was not read at all, as a French sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("Le fichier dépasse {} Mo : exportez les seuls établissements du département.", MAX_BYTES / 1_000_000)]
    TooBig,
    #[error("Le fichier n'est pas encodé en UTF-8 : exportez-le de nouveau, sans passer par un tableur.")]
    NotUtf8,
    #[error(
        "La colonne « {0} » manque : l'export de l'annuaire de l'éducation, séparé par des points-virgules, est attendu."
    )]
    MissingColumn(&'static str),
    #[error("Le fichier dépasse {MAX_ROWS} lignes : exportez les seuls établissements du département.")]
    TooManyRows,
    #[error("Le fichier n'est pas un CSV lisible.")]
    Unreadable,
}

/// Reads the collèges of `department`. Rows with a problem are told and left out; the others are kept.
pub fn read(bytes: &[u8], department: Department) -> Result<Import, ImportError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImportError::TooBig);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ImportError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Flexible: a row of another length is that row's problem, not the end of the import.
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').flexible(true).from_reader(text.as_bytes());
    let columns = Columns::find(reader.headers().map_err(|_| ImportError::Unreadable)?)?;
    let mut import = Import::default();
    let mut lines = Lines::new(text.as_bytes());
    let mut seen: BTreeMap<Uai, u64> = BTreeMap::new();
    for (count, record) in reader.records().enumerate() {
        if count >= MAX_ROWS {
            return Err(ImportError::TooManyRows);
        }
        let record = record.map_err(|_| ImportError::Unreadable)?;
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        match columns.row(&record, line, department) {
            Ok(None) => import.ignored = import.ignored.saturating_add(1),
            Ok(Some(row)) => {
                if let Some(first) = seen.get(&row.uai) {
                    let detail = format!("Le code UAI {} est déjà celui de la ligne {first}.", row.uai);
                    import.problems.push(RowProblem { line, detail });
                } else {
                    seen.insert(row.uai.clone(), line);
                    import.rows.push(row);
                }
            }
            Err(detail) => {
                import.problems.push(RowProblem { line, detail });
                import.unread.extend(columns.uai(&record));
            }
        }
    }
    Ok(import)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &[u8] = include_bytes!("../../tests/data/annuaire-35.csv");
    const HEADER: &str = "etat;Code_departement;Nom_commune;Code postal;Type_contrat_prive;Statut_public_prive;\
                          Type_etablissement;Nom_etablissement;Identifiant_de_l_etablissement";
    const GOOD: &str = "OUVERT;035;Cancale;35260;SANS OBJET;Public;Collège;Collège René Cassin;0350003N";

    fn department(text: &str) -> Department {
        text.parse().expect("a department")
    }

    /// What the file says when it is the header and these lines.
    fn import(lines: &[&str]) -> Import {
        let text = [&[HEADER], lines].concat().join("\n");
        read(text.as_bytes(), department("35")).expect("a readable file")
    }

    fn problem(line: &str) -> Option<String> {
        import(&[line]).problems.pop().map(|p| p.detail)
    }

    #[test]
    fn the_real_file_is_read_and_its_second_site_is_told() {
        let import = read(FILE, department("35")).expect("a readable file");
        assert_eq!((import.rows.len(), import.ignored), (116, 0));
        let told = RowProblem { line: 112, detail: "Le code UAI 0350852L est déjà celui de la ligne 15.".to_owned() };
        assert_eq!(import.problems, [told]);
        let count = |kind| import.rows.iter().filter(|r| r.kind == kind).count();
        assert_eq!(count(SchoolKind::Public), 62);
        assert_eq!(count(SchoolKind::PrivateUnderContract), 47);
        assert_eq!(count(SchoolKind::PrivateOutsideContract), 7);
        let first = CollegeRow {
            line: 2,
            uai: "0352958A".parse().expect("an UAI"),
            name: "Collège Françoise Elie".parse().expect("a name"),
            kind: SchoolKind::Public,
            department: department("35"),
            city: "Bréal-sous-Montfort".parse().expect("a city"),
            postal_code: "35310".to_owned(),
            open: true,
        };
        assert_eq!(import.rows.first(), Some(&first));
    }

    #[test]
    fn another_departments_file_is_ignored_row_by_row() {
        let import = read(FILE, department("92")).expect("a readable file");
        assert_eq!(import, Import { ignored: 117, ..Import::default() });
    }

    #[test]
    fn what_is_not_an_open_college_is_ignored_or_closed() {
        assert_eq!(import(&[&GOOD.replace("Collège;", "Lycée;")]).ignored, 1);
        assert_eq!(import(&[&GOOD.replace("035;", "022;")]).ignored, 1);
        let open = |state: &str| import(&[&GOOD.replace("OUVERT", state)]).rows.first().map(|r| r.open);
        assert_eq!([open("OUVERT"), open("A FERMER"), open("")], [Some(true), Some(false), Some(false)]);
    }

    #[test]
    fn a_faulty_row_is_told_with_its_line_and_the_others_are_kept() {
        assert_eq!(problem(GOOD), None);
        assert!(problem(&GOOD.replace("0350003N", "0350003A")).is_some_and(|d| d.contains("UAI")));
        assert!(problem(&GOOD.replace("35260", "3526")).is_some_and(|d| d.contains("code postal")));
        assert!(problem(&GOOD.replace("Collège René Cassin", "")).is_some_and(|d| d.starts_with("Le nom")));
        assert!(problem(&GOOD.replace("Cancale", "")).is_some_and(|d| d.starts_with("La commune")));
        let unread = import(&[&GOOD.replace("35260", "3526")]).unread;
        assert_eq!(unread.iter().map(Uai::as_str).collect::<Vec<_>>(), ["0350003N"]);
        assert!(problem("OUVERT;035").is_some_and(|d| d == "La ligne compte 2 colonnes au lieu de 9."));
    }

    #[test]
    fn lines_are_counted_as_an_editor_shows_them() {
        for (newline, expected) in [("\n", [3, 6]), ("\r\n", [3, 6]), ("\n\n", [5, 10]), ("\r\n\r\n", [5, 10])] {
            let text = [HEADER, GOOD, "short", "\"two\nlines\";035", "short"].join(newline);
            let problems = read(text.as_bytes(), department("35")).expect("a readable file").problems;
            assert_eq!([problems[0].line, problems[2].line], expected, "{newline:?}");
        }
    }

    #[test]
    fn a_faulty_row_does_not_hide_a_good_one_of_the_same_school() {
        let import = import(&[&GOOD.replace("35260", "x"), GOOD, GOOD]);
        assert_eq!(import.rows.len(), 1);
        assert_eq!(import.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_file_that_is_not_the_directory_is_refused_with_a_sentence() {
        let refused = |bytes: &[u8]| read(bytes, department("35")).expect_err("a refusal");
        assert_eq!(refused(b""), ImportError::MissingColumn("Identifiant_de_l_etablissement"));
        let no_state = HEADER.replace("etat;", "");
        assert_eq!(refused(no_state.as_bytes()), ImportError::MissingColumn("etat"));
        assert!(refused(no_state.as_bytes()).to_string().starts_with("La colonne « etat » manque"));
        assert_eq!(refused(HEADER.replace(';', ",").as_bytes()).to_string().matches("points-virgules").count(), 1);
        assert_eq!(refused(b"Coll\xe8ge"), ImportError::NotUtf8);
        assert_eq!(refused(&vec![b';'; MAX_BYTES + 1]), ImportError::TooBig);
        let full = format!("{HEADER}\n{}", ";;;;;;;;\n".repeat(MAX_ROWS));
        assert!(read(full.as_bytes(), department("35")).is_ok_and(|i| i.ignored == MAX_ROWS));
        assert_eq!(refused(format!("{full};;;;;;;;\n").as_bytes()), ImportError::TooManyRows);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The same rows in any order of columns, with or without the mark, say the same.
        #[test]
        fn the_order_of_columns_does_not_matter(order in Just((0..69).collect::<Vec<usize>>()).prop_shuffle(), mark: bool) {
            let text = std::str::from_utf8(FILE).expect("UTF-8").trim_start_matches('\u{feff}');
            let mut shuffled = if mark { "\u{feff}".to_owned() } else { String::new() };
            for line in text.lines() {
                let fields: Vec<&str> = line.split(';').collect();
                let fields: Vec<&str> = order.iter().map(|place| fields[*place]).collect();
                shuffled.push_str(&fields.join(";"));
                shuffled.push('\n');
            }
            prop_assert_eq!(read(shuffled.as_bytes(), department("35")), read(FILE, department("35")));
        }

        /// Damage of any kind is an answer, never a panic, and loses no row silently.
        #[test]
        fn a_damaged_file_is_answered(cut in 0..FILE.len(), length in 0_usize..400, put in "[\\PC\n\r\";]{0,12}") {
            let mut bytes = FILE.to_vec();
            bytes.splice(cut..FILE.len().min(cut + length), put.bytes());
            if let Ok(import) = read(&bytes, department("35")) {
                let records = csv::ReaderBuilder::new().delimiter(b';').flexible(true).from_reader(&*bytes).records().count();
                prop_assert_eq!(import.rows.len() + import.problems.len() + import.ignored, records);
            }
        }
    }
}
