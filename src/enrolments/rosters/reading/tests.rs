use super::*;
use crate::kernel::words::Level;
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

const FILE: &str = "Division;Nom de famille;Prénom 1;Prénom 2;Né(e) le;INE\n\
                    6A;MARTIN;Lou;Marie;17/05/2014;123456789AB\n\
                    5B;Lefèvre-d'Ornano;Inès;;03/01/2013;\n";

fn pupils(file: &[u8]) -> Vec<(u64, String, String, String, Option<Level>)> {
    let roster = read(file, COLLEGE).expect("a readable file");
    assert_eq!(roster.faults, []);
    let told =
        |p: &Pupil| (p.line, p.last_name.to_string(), p.first_names.to_string(), p.birth_date.to_string(), p.level);
    roster.pupils.iter().map(told).collect()
}

fn expected(first: u64) -> Vec<(u64, String, String, String, Option<Level>)> {
    vec![
        (first, "MARTIN".into(), "Lou Marie".into(), "2014-05-17".into(), Some(Level::Sixieme)),
        (first + 1, "Lefèvre-d'Ornano".into(), "Inès".into(), "2013-01-03".into(), Some(Level::Cinquieme)),
    ]
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect()
}

#[test]
fn every_usual_writing_of_a_csv_says_the_same() {
    let mixed = [latin(FILE.lines().next().expect("a header")), FILE.split_once('\n').expect("rows").1.into()];
    for file in [
        FILE.into(),
        format!("\u{feff}{FILE}").into_bytes(),
        FILE.replace(';', ",").into(),
        FILE.replace(';', "\t").into(),
        FILE.replace('\n', "\r\n").into(),
        latin(FILE),
        mixed.join(&b'\n'),
        FILE.replace(';', "\t")
            .encode_utf16()
            .fold(vec![0xff, 0xfe], |file, unit| [file, unit.to_le_bytes().into()].concat()),
        FILE.encode_utf16().fold(vec![0xfe, 0xff], |file, unit| [file, unit.to_be_bytes().into()].concat()),
    ] {
        assert_eq!(pupils(&file), expected(2));
    }
    let titled = format!("Collège des Deux Ponts;;\nListe des élèves\n\n{FILE}");
    assert_eq!(pupils(titled.as_bytes()), expected(5));
}

#[test]
fn both_names_may_stand_in_one_cell() {
    let file = "Classe;Élève;Né(e) le\n6A;MARTIN Lou Marie;17/05/2014\n6A;Martin Lou;17/05/2014\n";
    let roster = read(file.as_bytes(), COLLEGE).expect("a readable file");
    let told: Vec<_> =
        roster.pupils.iter().map(|pupil| (pupil.last_name.as_str(), pupil.first_names.as_str())).collect();
    assert_eq!(told, [("MARTIN", "Lou Marie")]);
    assert_eq!(roster.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [3], "nobody's name is guessed");
}

#[test]
fn columns_have_the_names_of_each_software() {
    for header in [
        "nom;prenom;date_naissance",
        "NOM;PRÉNOM;DATE DE NAISSANCE",
        "Nom de naissance;Prénom(s);Date naissance",
        "Nom élève;Prénom élève;Date Naiss.",
        "Nom d'usage;x;x;Nom;Prénom;Né le",
    ] {
        let wide = if header.starts_with("Nom d'") { "Autre;;;" } else { "" };
        let file = format!("{header}\n{wide}Martin;Lou;17/05/2014");
        let roster = read(file.as_bytes(), COLLEGE).expect("a readable file");
        assert_eq!(roster.pupils[0].last_name.as_str(), "Martin", "{header}");
    }
    let own = "Code UAI;Nom;Prénom;Né(e) le;Niveau\n0920001B;Martin;Lou;17/05/2014;6EME";
    let roster = read(own.as_bytes(), DEPARTMENT).expect("a readable file");
    assert_eq!(roster.colleges().into_iter().map(Uai::as_str).collect::<Vec<_>>(), ["0920001B"]);
}

#[test]
fn a_faulty_row_is_told_and_the_others_are_kept() {
    let row = |row: &str| {
        let file = format!("UAI;Nom;Prénom;Né(e) le\n{row}\n;Martin;Lou;17/05/2014\n");
        let roster = read(file.as_bytes(), COLLEGE).expect("a readable file");
        assert_eq!((roster.pupils.len(), roster.faults.len()), (1, 1), "{row}");
        (roster.faults[0].line, roster.faults[0].detail)
    };
    for (text, detail) in [
        (";;Lou;17/05/2014", "Le nom manque."),
        (";Martin;;17/05/2014", "Le prénom manque."),
        (";Martin;Lou", "La date de naissance manque."),
        (";Martin;Lou;17 mai", "La date de naissance n'est pas lisible."),
        (";Mart1n;Lou;17/05/2014", "Le nom n'est pas lisible."),
        (";=HYPERLINK(\"x\");Lou;17/05/2014", "Une cellule contient une formule au lieu d'un nom."),
        (";+cmd|x;Lou;17/05/2014", "Une cellule contient une formule au lieu d'un nom."),
        (";@SUM(A1);Lou;17/05/2014", "Une cellule contient une formule au lieu d'un nom."),
        (";Martin;-Lou;17/05/2014", "Une cellule contient une formule au lieu d'un nom."),
        ("0920001A;Martin;Lou;17/05/2014", "Le code UAI n'est pas valable."),
        (";MartÃ¨ne;Lou;17/05/2014", "Le nom n'est pas lisible."),
    ] {
        assert_eq!(row(text), (2, detail), "{text}");
    }
    let no_college = "UAI;Nom;Prénom;Né(e) le\n;Martin;Lou;17/05/2014\n";
    let roster = read(no_college.as_bytes(), DEPARTMENT).expect("a readable file");
    assert_eq!(roster.faults[0].detail, "Le code UAI manque.");
}

#[test]
fn what_is_no_roster_is_refused_with_its_reason() {
    let refused = |file: &[u8], bounds: Bounds| read(file, bounds).expect_err("a refusal");
    for (file, error) in [
        (&b""[..], RosterError::Empty),
        (b"Nom;Pr\xe9nom;N\xe9(e) le\n", RosterError::Empty),
        (b"a;b;c\n1;2;3\n", RosterError::MissingColumn(Column::LastName)),
        (b"titre\nNom;Classe\nMartin;6A\n", RosterError::MissingColumn(Column::FirstNames)),
        (b"Nom;Prenom;Classe\nMartin;Lou;6A\n", RosterError::MissingColumn(Column::BirthDate)),
        (b"\x89PNG\r\n\x1a\n\0\0", RosterError::NotATable),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", RosterError::OldWorkbook),
        (b"PK\x03\x04 and no more", RosterError::BrokenWorkbook),
    ] {
        assert_eq!(refused(file, COLLEGE), error);
    }
    let missing = refused(FILE.as_bytes(), DEPARTMENT);
    assert_eq!(missing, RosterError::MissingColumn(Column::College));
    assert_eq!(missing.to_string(), "La colonne du code UAI est introuvable parmi les 10 premières lignes.");
    let many = format!("{FILE}{}", "6A;MARTIN;Lou;Marie;17/05/2014;\n".repeat(COLLEGE.rows - 1));
    assert_eq!(refused(many.as_bytes(), COLLEGE), RosterError::TooManyRows(10_000));
    let open = format!("{FILE}6A;\"MARTIN;Lou;;17/05/2014;\n{}", "6A;MARTIN;Lou;Marie;17/05/2014;\n".repeat(100));
    assert_eq!(refused(open.as_bytes(), COLLEGE), RosterError::OpenQuote(4));
}

fn workbook(write: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    write(&mut workbook);
    workbook.save_to_buffer().expect("a workbook")
}

#[test]
fn a_workbook_says_the_same_with_its_own_dates() {
    let file = workbook(|workbook| {
        workbook.add_worksheet().write(0, 0, "Mode d'emploi").expect("a cell");
        let sheet = workbook.add_worksheet();
        for (column, name) in (0..).zip(["Classe", "Nom", "Prénoms", "Date de naissance"]) {
            sheet.write(2, column, name).expect("a cell");
        }
        for (line, (class, last, first)) in
            (3..).zip([("6A", "MARTIN", "Lou Marie"), ("5B", "Lefèvre-d'Ornano", "Inès")])
        {
            sheet.write(line, 0, class).expect("a cell");
            sheet.write(line, 1, last).expect("a cell");
            sheet.write(line, 2, first).expect("a cell");
        }
        let date = ExcelDateTime::from_ymd(2014, 5, 17).expect("a date");
        sheet.write_with_format(3, 3, &date, &Format::new().set_num_format("dd/mm/yyyy")).expect("a cell");
        // A date kept as a bare number.
        sheet.write(4, 3, 41_277).expect("a cell");
    });
    assert_eq!(pupils(&file), expected(4));
}

#[test]
fn formulas_of_a_workbook_are_not_evaluated() {
    let file = workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        for (column, name) in (0..).zip(["Nom", "Prénom", "Né(e) le"]) {
            sheet.write(0, column, name).expect("a cell");
        }
        sheet.write_formula(1, 0, "=WEBSERVICE(\"http://x\")").expect("a cell");
        sheet.write(1, 1, "Lou").expect("a cell");
        sheet.write(1, 2, "17/05/2014").expect("a cell");
        sheet.write(2, 0, "=cmd|' /C calc'!A1").expect("a cell");
        sheet.write(2, 1, "Lou").expect("a cell");
        sheet.write(2, 2, "17/05/2014").expect("a cell");
    });
    let roster = read(&file, COLLEGE).expect("a readable file");
    assert!(roster.pupils.is_empty());
    let details: Vec<&str> = roster.faults.iter().map(|fault| fault.detail).collect();
    assert_eq!(details, ["Le nom n'est pas lisible.", "Une cellule contient une formule au lieu d'un nom."]);
}

/// A workbook with one of its parts replaced.
fn tampered(name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let file = workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        for (column, name) in (0..).zip(["Nom", "Prénom", "Né(e) le"]) {
            sheet.write(0, column, name).expect("a cell");
        }
    });
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).expect("an archive");
    let mut out = ZipWriter::new(Cursor::new(vec![]));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).expect("a part");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut part, &mut text).expect("a text");
        let own = part.name().expect("a name").into_owned();
        let text = if own == name { change(&text) } else { text };
        out.start_file(own, SimpleFileOptions::default()).expect("a part");
        out.write_all(text.as_bytes()).expect("a part");
    }
    out.finish().expect("an archive").into_inner()
}

#[test]
fn a_workbook_that_swells_or_boasts_is_refused_before_it_takes_memory() {
    let texts = "xl/sharedStrings.xml";
    assert_eq!(read(&tampered(texts, str::to_owned), COLLEGE), Err(RosterError::Empty));
    let boast = tampered(texts, |text| text.replace("uniqueCount=\"3\"", "uniqueCount=\"900000000000\""));
    assert_eq!(read(&boast, COLLEGE), Err(RosterError::InflatedWorkbook));
    let swollen = tampered("xl/worksheets/sheet1.xml", |text| format!("{text}{}", " ".repeat(130_000_000)));
    assert!(swollen.len() < 1_000_000);
    assert_eq!(read(&swollen, COLLEGE), Err(RosterError::InflatedWorkbook));
    // A cell at the far end of the sheet takes no room for all those before it.
    let far = tampered("xl/worksheets/sheet1.xml", |text| text.replace("r=\"C1\"", "r=\"XFD1\""));
    assert_eq!(read(&far, COLLEGE), Err(RosterError::MissingColumn(Column::BirthDate)));
    let nonsense = tampered("xl/worksheets/sheet1.xml", |text| text.replace("r=\"C1\"", "r=\"ZZZZZZZZZZZZ1\""));
    assert!(read(&nonsense, COLLEGE).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Damage of any kind is an answer, never a panic; every row is told.
    #[test]
    fn a_damaged_file_is_answered(cut in 0..FILE.len(), length in 0_usize..40, put in prop::collection::vec(any::<u8>(), 0..12)) {
        let mut bytes = FILE.as_bytes().to_vec();
        bytes.splice(cut..FILE.len().min(cut + length), put);
        if let Ok(roster) = read(&bytes, COLLEGE) {
            prop_assert!(roster.pupils.len() + roster.faults.len() <= 4);
        }
    }

    #[test]
    fn a_damaged_workbook_is_answered(cut in 0_usize..5_000, put in prop::collection::vec(any::<u8>(), 1..9)) {
        let mut bytes = tampered("", str::to_owned);
        let cut = cut % bytes.len();
        let end = bytes.len().min(cut + put.len());
        bytes.splice(cut..end, put);
        let _ = read(&bytes, COLLEGE);
    }

    /// The same columns in any order say the same.
    #[test]
    fn the_order_of_columns_does_not_matter(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let lines = FILE.lines().map(|line| {
            let cells: Vec<&str> = line.split(';').collect();
            order.iter().map(|place| cells[*place]).collect::<Vec<_>>().join(";")
        });
        let shuffled = lines.collect::<Vec<_>>().join("\n");
        prop_assert_eq!(pupils(shuffled.as_bytes()), expected(2));
    }
}
