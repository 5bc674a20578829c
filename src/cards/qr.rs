//! A text as a QR code: SVG for screens and print, PNG for mail and printers that want pixels.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

/// Light modules that the standard wants around the symbol: with fewer, readers do not find it.
const QUIET_MODULES: usize = 4;
/// Side of a module in the PNG, in pixels: about 4 cm at 254 dpi for a card's code, and sharp when scaled by halves.
const MODULE_PIXELS: usize = 8;

/// Why a QR code was not drawn.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    #[error("ce texte est trop long pour un code QR")]
    TooLong,
    #[error("le code QR n'a pas pu être dessiné")]
    NotDrawn,
}

/// Rows of modules, `true` for dark, quiet zone included. Level M survives the loss of 15 %: a scratch, a fold.
fn modules(text: &str) -> Result<Vec<Vec<bool>>, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| QrError::TooLong)?;
    let side = code.width() + 2 * QUIET_MODULES;
    let margin = [false; QUIET_MODULES];
    let colors = code.to_colors();
    let symbol = colors.chunks(code.width()).map(|row| {
        let dark = row.iter().map(|color| *color == Color::Dark);
        margin.into_iter().chain(dark).chain(margin).collect()
    });
    let blank = || std::iter::repeat_n(vec![false; side], QUIET_MODULES);
    Ok(blank().chain(symbol).chain(blank()).collect())
}

/// The code as an SVG element of one unit a module, without a size of its own. `title` is what a screen reader says, in French.
pub fn svg(text: &str, title: &str) -> Result<String, QrError> {
    let rows = modules(text)?;
    let side = rows.len();
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&true) {
                write!(path, "M{x} {y}h{width}v1h-{width}z", width = run.len()).map_err(|_| QrError::NotDrawn)?;
            }
            x += run.len();
        }
    }
    Ok(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" shape-rendering="crispEdges"><title>{title}</title><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##,
        title = escaped(title),
    ))
}

/// The code as a greyscale PNG, 8 pixels a module.
pub fn png(text: &str) -> Result<Vec<u8>, QrError> {
    let rows = modules(text)?;
    let mut pixels = Vec::new();
    for row in &rows {
        let line: Vec<u8> = row.iter().flat_map(|dark| [if *dark { 0 } else { 255 }; MODULE_PIXELS]).collect();
        (0..MODULE_PIXELS).for_each(|_| pixels.extend_from_slice(&line));
    }
    let side = u32::try_from(rows.len() * MODULE_PIXELS).map_err(|_| QrError::NotDrawn)?;
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(&pixels, side, side, ExtendedColorType::L8)
        .map_err(|_| QrError::NotDrawn)?;
    Ok(file)
}

/// A text as XML content: what has a meaning is escaped, what XML forbids is dropped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "PP1.AE4TEABB7YY56AABAIBQIBIGA4EP6CXP4S57OSI5MKHN4TXI4EOB573K2FMNO5EHLTMQSOQ3PQLZMZRHXYVY67IYW26BFFWHJUCSOM2H6ZDFMMOL6JMZQSKW3HYJZYO563L74AQ";

    fn read(side: usize, dark: impl Fn(usize, usize) -> bool) -> String {
        let mut picture =
            rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| if dark(x, y) { 0 } else { 255 });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    fn read_png(file: &[u8]) -> (u32, String) {
        let picture = image::load_from_memory_with_format(file, image::ImageFormat::Png).unwrap();
        assert_eq!(picture.color(), image::ColorType::L8);
        let grey = picture.into_luma8();
        let pixel = |x: usize, y: usize| grey.get_pixel(x.try_into().unwrap(), y.try_into().unwrap()).0[0];
        (grey.width(), read(grey.width().try_into().unwrap(), |x, y| pixel(x, y) < 128))
    }

    #[test]
    fn the_png_reads_back() {
        for text in ["92-000G-40R4-0M30-E27Z-Z", TOKEN, "https://exemple.fr/carte?é=1"] {
            assert_eq!(read_png(&png(text).unwrap()).1, text);
        }
    }

    /// 139 characters fit version 6 (41 modules) in alphanumeric mode; as bytes they would need version 8.
    #[test]
    fn upper_case_keeps_a_card_small() {
        assert_eq!(TOKEN.len(), 139);
        assert_eq!(read_png(&png(TOKEN).unwrap()).0, (41 + 2 * 4) * 8);
        assert_eq!(read_png(&png(&TOKEN.to_lowercase()).unwrap()).0, (49 + 2 * 4) * 8);
    }

    #[test]
    fn the_svg_reads_back_and_has_its_title() {
        let drawn = svg(TOKEN, "Carte de Zoé <script>& \"co\u{7}\"").unwrap();
        assert!(drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 49 49\" role=\"img\""));
        assert!(drawn.contains("<title>Carte de Zoé &lt;script&gt;&amp; &quot;co&quot;</title>"));
        assert_eq!(drawn.matches('<').count(), drawn.matches('>').count());
        assert!(drawn.ends_with("\"/></svg>"));
        let path = drawn.rsplit_once("d=\"").unwrap().1.trim_end_matches("\"/></svg>");
        let mut grid = vec![vec![false; 49]; 49];
        for run in path.split_terminator('z') {
            let numbers: Vec<usize> =
                run.split(['M', ' ', 'h', 'v', '-']).filter_map(|number| number.parse().ok()).collect();
            let [x, y, width, 1, back] = numbers[..] else { unreachable!("{run}") };
            assert_eq!(width, back);
            grid[y][x..x + width].fill(true);
        }
        assert_eq!(read(49 * 4, |x, y| grid[y / 4][x / 4]), TOKEN);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(png(&"é".repeat(3000)), Err(QrError::TooLong));
        assert_eq!(svg(&"A".repeat(4000), "Carte"), Err(QrError::TooLong));
    }
}
