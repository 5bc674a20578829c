use super::*;

fn statement(rows: usize) -> Document {
    let mut document = Document::new("Relevé de versement");
    let row = |n: usize| {
        vec![format!("{n}"), "Atelier théâtre à l'Œuvre, où l'on naît çà et là".to_owned(), "12,50 €".to_owned()]
    };
    document.heading("Opérations").paragraph("Deux lignes,\nla seconde est plus longue.").table(Table {
        columns: vec![Column::left("N°", 1), Column::left("Activité", 6), Column::right("Montant", 2)],
        rows: (0..rows).map(row).collect(),
        total: Some(vec![String::new(), "Total".to_owned(), "1 250,00 €".to_owned()]),
    });
    document
}

#[test]
fn a_document_is_a_tagged_pdf_and_always_the_same() {
    let pdf = statement(3).finish().expect("a PDF");
    assert_eq!(pdf, statement(3).finish().expect("a PDF"));
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.starts_with("%PDF-1.7"));
    for sign in ["/Marked true", "/Lang", "/StructTreeRoot", "pdfuaid", "Relevé de versement"] {
        assert!(text.contains(sign), "no {sign}");
    }
    assert_eq!(layout::lay_out("", &statement(3).blocks).pages.len(), 1);
}

#[test]
fn a_long_table_goes_over_as_many_pages_as_it_needs() {
    let layout = layout::lay_out("Long", &statement(200).blocks);
    assert!(layout.pages.len() > 4, "{} pages", layout.pages.len());
    for ink in layout.pages.iter().flatten() {
        let (layout::Ink::Text { x, y, .. } | layout::Ink::Rule { x, y, .. } | layout::Ink::Squares { x, y, .. }) = ink;
        assert!((layout::MARGIN..layout::PAGE_WIDTH - layout::MARGIN).contains(x), "{ink:?}");
        assert!((layout::MARGIN..layout::PAGE_HEIGHT - layout::MARGIN).contains(y), "{ink:?}");
    }
    assert!(statement(200).finish().is_ok());
}

#[test]
fn any_text_can_be_printed() {
    let mut document = Document::new("Café\u{301} 🎭 \u{7}");
    for text in [
        "",
        " ",
        "Łódź Çà ŒUVRE 10\u{202f}000\u{a0}€",
        "مرحبا",
        "日本",
        "\u{0}\u{feff}",
        &"w".repeat(500),
        &"a ".repeat(500),
    ] {
        document.paragraph(text).heading(text);
    }
    let cells = vec![vec!["x".repeat(300), String::new()]];
    document.table(Table { columns: vec![Column::left("A", 1), Column::right("", 1)], rows: cells, total: None });
    document.finish().expect("a PDF");
}

#[test]
fn a_code_is_drawn_to_scale_or_refused() {
    let mut document = Document::new("Billet");
    document.qr("PASS-92-ABCDEF", "Code du billet", 40).expect("a code");
    let layout = layout::lay_out("Billet", &document.blocks);
    let squares = layout.pages.iter().flatten().find_map(|ink| match ink {
        layout::Ink::Squares { module, rows, .. } => Some((usize::try_from(*module).expect("positive"), rows.len())),
        _ => None,
    });
    let (module, count) = squares.expect("the code");
    // 40 mm are 1,134 tenths of a point; whole tenths a module may lose a few.
    assert!((1_000..=1_134).contains(&(module * count)), "{module} × {count}");
    assert!(document.finish().is_ok());
    assert!(matches!(Document::new("Billet").qr(&"x".repeat(3_000), "", 40), Err(PaperError::CodeTooLong)));
}
