//! Texts set in one of two faces: their glyphs, and how wide they are.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Face, UnicodeBuffer};
use std::sync::LazyLock;

/// The two faces of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

struct Typeface {
    face: Face<'static>,
    font: Font,
}

static REGULAR: LazyLock<Typeface> = LazyLock::new(|| typeface(Weight::Regular.file()));
static BOLD: LazyLock<Typeface> = LazyLock::new(|| typeface(Weight::Bold.file()));

#[expect(clippy::expect_used, reason = "the faces are part of the program: every test that prints reads them")]
fn typeface(file: &'static [u8]) -> Typeface {
    Typeface {
        face: Face::from_slice(file, 0).expect("the face is readable"),
        font: Font::new(file.into(), 0).expect("the face is readable"),
    }
}

impl Weight {
    /// The face as a file.
    pub fn file(self) -> &'static [u8] {
        match self {
            Self::Regular => include_bytes!("fonts/OpenSans-Regular.ttf"),
            Self::Bold => include_bytes!("fonts/OpenSans-Bold.ttf"),
        }
    }
    fn typeface(self) -> &'static Typeface {
        match self {
            Self::Regular => &REGULAR,
            Self::Bold => &BOLD,
        }
    }
    pub fn font(self) -> Font {
        self.typeface().font.clone()
    }
}

/// A text on one line, ready to be put somewhere.
#[derive(Debug)]
pub struct Run {
    pub text: String,
    pub weight: Weight,
    /// In tenths of a point, as the width.
    pub size: i32,
    pub width: i32,
    pub glyphs: Vec<KrillaGlyph>,
}

/// The glyphs of a text. A letter that the face does not know is shown as a question mark: a name must not keep a bill from being printed.
/// A picture among words is left out.
pub fn set(text: &str, weight: Weight, size: i32) -> Run {
    let face = &weight.typeface().face;
    let text = text.replace('\u{202f}', "\u{a0}").replace('\u{2011}', "-");
    let run = shape(face, text, weight, size);
    if run.glyphs.iter().all(|glyph| glyph.glyph_id.to_u32() != 0) {
        return run;
    }
    let known = |c: char| match face.glyph_index(c) {
        Some(_) => Some(c),
        None => c.is_alphanumeric().then_some('?'),
    };
    let text: String = run.text.chars().filter_map(known).collect();
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    shape(face, words.join(" "), weight, size)
}

fn shape(face: &Face<'_>, text: String, weight: Weight, size: i32) -> Run {
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(&text);
    buffer.guess_segment_properties();
    buffer.set_direction(Direction::LeftToRight);
    let shaped = rustybuzz::shape(face, &[], buffer);
    let start = |cluster: u32| usize::try_from(cluster).unwrap_or(text.len());
    // A glyph stands for the text up to the next one that begins elsewhere.
    let mut glyphs = Vec::with_capacity(shaped.len());
    let (mut end, mut next, mut units) = (text.len(), text.len(), 0_i32);
    for (info, place) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()).rev() {
        let begins = start(info.cluster);
        if begins != next {
            (end, next) = (next, begins);
        }
        units = units.saturating_add(place.x_advance);
        let em = |value| ems(value, face.units_per_em());
        glyphs.push(KrillaGlyph::new(
            GlyphId::new(info.glyph_id),
            em(place.x_advance),
            em(place.x_offset),
            em(place.y_offset),
            em(place.y_advance),
            begins..end,
            None,
        ));
    }
    glyphs.reverse();
    let width = units.saturating_mul(size).checked_div(face.units_per_em()).unwrap_or_default();
    Run { text, weight, size, width, glyphs }
}

#[expect(
    clippy::float_arithmetic,
    reason = "the PDF wants the metrics of a face as floats; nothing is decided by them"
)]
fn ems(units: i32, per_em: i32) -> f32 {
    let exact = |value: i32| f32::from(i16::try_from(value).unwrap_or(i16::MAX));
    exact(units) / exact(per_em)
}

/// A text as lines that are not wider: broken at spaces, and within a word where the word alone is wider.
pub fn wrap(text: &str, weight: Weight, size: i32, width: i32) -> Vec<Run> {
    let mut lines = vec![];
    for part in text.split('\n') {
        let whole = set(part, weight, size);
        if whole.width <= width {
            lines.push(whole);
        } else {
            break_at_spaces(part, weight, size, width, &mut lines);
        }
    }
    lines
}

fn break_at_spaces(text: &str, weight: Weight, size: i32, width: i32, lines: &mut Vec<Run>) {
    let fits = |text: &str| set(text, weight, size).width <= width;
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if fits(&longer) {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(set(&line, weight, size));
        }
        line = String::new();
        for c in word.chars() {
            line.push(c);
            if !fits(&line) {
                line.pop();
                lines.push(set(&line, weight, size));
                line = c.to_string();
            }
        }
    }
    lines.push(set(&line, weight, size));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_left_out_and_an_unknown_letter_shows() {
        let printed = |text: &str| set(text, Weight::Regular, 100).text;
        assert_eq!(printed("Danse 💃 salsa"), "Danse salsa");
        assert_eq!(printed("東 été"), "? été");
    }
}
