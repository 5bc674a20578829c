//! Files as schools send them, and those that are none.

use super::{CSV, DESK, SEASON, check, roster, send, submitted, told};
use crate::support::{COLLEGE, World};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[actix_web::test]
async fn one_roster_says_the_same_in_every_form() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    submitted(&family, &["Inès", "Cléo"], COLLEGE).await;
    let text = roster(&["MARTIN;Inès;;14/03/2015;6A", "Martin;Cléo;;14/03/2015;6A"]);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (line, row) in (0..).zip(text.lines()) {
        for (column, cell) in (0..).zip(row.split(';')) {
            sheet.write(line, column, cell).unwrap();
        }
    }
    let date = ExcelDateTime::from_ymd(2015, 3, 14).unwrap();
    sheet.write_with_format(1, 3, &date, &Format::new().set_num_format("dd/mm/yyyy")).unwrap();
    let path = format!("{DESK}/check?season={SEASON}");
    for (media, file) in [
        (CSV, text.clone().into_bytes()),
        (CSV, latin(&text)),
        (CSV, text.replace(';', ",").into_bytes()),
        (XLSX, book.save_to_buffer().unwrap()),
        // What a file is shows in its first bytes, whatever a browser calls it.
        (CSV, book.save_to_buffer().unwrap()),
        (XLSX, latin(&text)),
    ] {
        let found = send(&secretary, &path, media, file).await.expect(200);
        let outcomes: Vec<String> = told(&found).into_iter().map(|(_, outcome, _)| outcome).collect();
        assert_eq!(outcomes, ["match", "match"], "{}", found.json);
    }
}

#[actix_web::test]
async fn what_is_no_roster_gets_a_clear_answer() {
    let world = World::start().await;
    let secretary = world.secretary(COLLEGE).await;
    let path = |step: &str, rest: &str| format!("{DESK}/{step}?season={SEASON}{rest}");
    let digest = format!("&digest={}", "0".repeat(64));
    let many = roster(&vec!["Martin;Lou;;14/03/2015;6A"; 100_000]);
    for (file, reason) in [
        (b"Classe;Effectif\n6A;25\n".to_vec(), "La colonne du nom"),
        (b"Nom;Classe\nMartin;6A\n".to_vec(), "La colonne du prénom"),
        (b"Nom;Prenom\nMartin;Lou\n".to_vec(), "La colonne de la date de naissance"),
        (vec![], "aucun élève"),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "ni un CSV ni un classeur"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "anciens classeurs"),
        (b"PK\x03\x04".to_vec(), "abîmé"),
        (many.clone().into_bytes(), "10000 élèves"),
        (roster(&["\"Martin;Lou;;14/03/2015;6A", &many]).into_bytes(), "guillemet"),
    ] {
        for (step, rest) in [("check", ""), ("apply", &*digest)] {
            let answer = send(&secretary, &path(step, rest), CSV, file.clone()).await.refused(422, "roster.unreadable");
            assert!(answer.text("/detail").contains(reason), "{}", answer.json);
        }
    }
    let good = roster(&["Martin;Lou;;14/03/2015;6A"]);
    send(&secretary, &path("check", ""), CSV, vec![b'x'; 10_000_001]).await.refused(413, "request.too_large");
    send(&secretary, &path("check", ""), "application/json", good.clone()).await.refused(415, "request.media_type");
    send(&secretary, &format!("{DESK}/check?season=2041-2042"), CSV, good.clone()).await.refused(404, "not_found");
    for wrong in [
        "check",
        "check?season=2026",
        "check?season=2026-2027&x=1",
        "apply?season=2026-2027",
        "apply?season=2026-2027&digest=00",
    ] {
        send(&secretary, &format!("{DESK}/{wrong}"), CSV, good.clone()).await.refused(400, "request.query");
    }
    send(&secretary, &path("apply", &digest), CSV, good).await.refused(409, "roster.changed");

    // Formulas, and a pupil written twice, are rows with a problem among others.
    let family = world.family("92").await;
    submitted(&family, &["Ada"], COLLEGE).await;
    let odd = roster(&[
        "=1+1;Ada;;14/03/2015;6A",
        "Martin;Ada;;14/03/2015;6A",
        "MARTIN;ADA;;14/03/2015;6A",
        "Martin;Ada;;14/13/2015;6A",
    ]);
    let found = check(&secretary, &odd).await.expect(200);
    let words: Vec<String> =
        told(&found).into_iter().map(|(_, outcome, reason)| format!("{outcome} {reason}")).collect();
    assert_eq!(words, ["unreadable ", "doubtful same_as_another_row", "doubtful same_as_another_row", "unreadable "]);
    assert!(!found.json.to_string().contains("1+1"), "a formula is not sent back");
}
