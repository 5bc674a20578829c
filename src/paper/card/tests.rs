use super::*;
use image::{ImageFormat, imageops};

const SIGNED: &str = "PP1.AE4TEABB7YY56AABAIBQIBIGA4EP6CXP4S57OSI5MKHN4TXI4EOB573K2FMNO5EHLTMQSOQ3PQLZMZRHXYVY67IYW26BFFWHJUCSOM2H6ZDFMMOL6JMZQSKW3HYJZYO563L74AQ";

fn face(name: &str, photo: bool) -> CardFace {
    let portrait = image::RgbImage::from_fn(420, 540, |x, y| {
        image::Rgb([200, u8::try_from(x / 2).unwrap_or(0), u8::try_from(y / 3).unwrap_or(0)])
    });
    let mut jpeg = std::io::Cursor::new(vec![]);
    portrait.write_to(&mut jpeg, ImageFormat::Jpeg).expect("a JPEG");
    CardFace {
        name: name.to_owned(),
        department_name: "Hauts-de-Seine".to_owned(),
        years: "2026-2030".to_owned(),
        until: "31/08/2030".to_owned(),
        number: "92-000G-40R4-0M30-E27Z-Z".to_owned(),
        signed: SIGNED.to_owned(),
        photo_jpeg: photo.then(|| jpeg.into_inner()),
    }
}

fn read_qr(picture: &image::GrayImage) -> String {
    let side = |pixels: u32| usize::try_from(pixels).expect("a side");
    let (width, height) = (side(picture.width()), side(picture.height()));
    let pixel = |x: usize, y: usize| picture.get_pixel(x.try_into().unwrap_or(0), y.try_into().unwrap_or(0)).0[0];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, pixel);
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().expect("a QR code").1
}

#[test]
fn the_picture_reads_back_and_says_what_it_shows() {
    for (name, photo) in
        [("Camille M.", true), ("Marie-Antoinette-Éloïse-Guillemette-Bérengère-Frédérique-Anne D.", false)]
    {
        let face = face(name, photo);
        let file = face.png().expect("a PNG");
        let picture = image::load_from_memory_with_format(&file, ImageFormat::Png).expect("a PNG").into_luma8();
        assert_eq!(picture.dimensions(), (1_011, 638));
        assert_eq!(read_qr(&picture), SIGNED);
        // As a poor camera sees it.
        assert_eq!(read_qr(&imageops::resize(&picture, 606, 382, imageops::FilterType::Triangle)), SIGNED);
        let reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().expect("a PNG");
        let says: Vec<String> = reader.info().utf8_text.iter().filter_map(|chunk| chunk.get_text().ok()).collect();
        assert_eq!(says, [face.alternative_text()]);
        assert!(says[0].contains(name) && says[0].contains("92-000G-40R4-0M30-E27Z-Z"), "{says:?}");
        assert_eq!(says[0].contains("sans photo"), !photo);
    }
}

#[test]
fn the_page_is_tagged_and_always_the_same() {
    let pdf = face("Camille M.", true).pdf().expect("a PDF");
    assert_eq!(pdf, face("Camille M.", true).pdf().expect("a PDF"));
    let text = String::from_utf8_lossy(&pdf);
    for sign in ["/Marked true", "/Lang", "/StructTreeRoot", "pdfuaid", "Carte Pass+", "/Alt", "/DCTDecode"] {
        assert!(text.contains(sign), "no {sign}");
    }
    let bare = face("Zoé 💃 D.", false).pdf().expect("a PDF");
    assert!(!String::from_utf8_lossy(&bare).contains("/DCTDecode"));
}
