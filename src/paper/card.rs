//! The front of a card, at the size of a bank card (ISO/IEC 7810 ID-1): a page of PDF, and a PNG at 300 dpi. One description, drawn twice.
//!
//! Places are tenths of a point, as everywhere on paper.

mod page;
mod picture;

use super::{
    PaperError, draw,
    letters::{self, Run, Weight},
};

pub const WIDTH: i32 = 2_426;
pub const HEIGHT: i32 = 1_530;
const MARGIN: i32 = 90;
/// The band at the top.
const BAND: i32 = 220;
/// The portrait, 35:45.
const PHOTO: Area = Area { x: MARGIN, y: 290, width: 700, height: 900 };
/// Side of a module of the QR: a whole number of pixels in the picture.
const MODULE: i32 = 17;

/// Where something is.
#[derive(Debug, Clone, Copy)]
struct Area {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

/// What a card shows.
#[derive(Debug, Clone)]
pub struct CardFace {
    /// First name and initial: `Camille M.`
    pub name: String,
    pub department_name: String,
    /// School years it serves: `2026-2030`
    pub years: String,
    /// Its last day, as people write it.
    pub until: String,
    pub number: String,
    /// What the QR holds.
    pub signed: String,
    pub photo_jpeg: Option<Vec<u8>>,
}

impl CardFace {
    /// What a screen reader says in the place of the picture: all that is to be seen on it.
    #[must_use]
    pub fn alternative_text(&self) -> String {
        let Self { name, department_name, years, until, number, .. } = self;
        let photo = if self.photo_jpeg.is_some() { "à gauche sa photo" } else { "sans photo" };
        format!(
            "Carte Pass+ du département {department_name}, au nom de {name} Années scolaires {years}, valable jusqu'au {until}. \
             Numéro {number}. Sur la carte : {photo}, à droite un code QR qui contient ce numéro."
        )
    }

    /// The card as a PDF of one page of its size.
    pub fn pdf(&self) -> Result<Vec<u8>, PaperError> {
        page::pdf(self, self.drawn()?)
    }

    /// The card as a picture of 1,011 × 638 pixels, with its alternative text inside.
    pub fn png(&self) -> Result<Vec<u8>, PaperError> {
        picture::png(self, &self.drawn()?)
    }

    fn drawn(&self) -> Result<Drawn, PaperError> {
        let modules = draw::modules(&self.signed)?;
        let side = MODULE.saturating_mul(i32::try_from(modules.len()).unwrap_or(i32::MAX));
        let text =
            |x, y, text: &str, weight, size, white| Written { x, y, run: letters::set(text, weight, size), white };
        let middle = PHOTO.x.saturating_add(PHOTO.width).saturating_add(70);
        let name = fitting(&self.name, WIDTH - 2 * MARGIN);
        let texts = vec![
            text(MARGIN, 150, "Pass+", Weight::Bold, 130, true),
            text(560, 145, &self.department_name, Weight::Regular, 90, true),
            text(middle, 380, "Années scolaires", Weight::Regular, 65, false),
            text(middle, 480, &self.years, Weight::Bold, 85, false),
            text(middle, 640, "Valable jusqu'au", Weight::Regular, 65, false),
            text(middle, 740, &self.until, Weight::Bold, 85, false),
            Written { x: MARGIN, y: 1_330, run: name, white: false },
            text(MARGIN, 1_450, &self.number, Weight::Regular, 85, false),
        ];
        let code = Area { x: WIDTH.saturating_sub(MARGIN).saturating_sub(side), y: PHOTO.y, width: side, height: side };
        Ok(Drawn { texts, code, modules })
    }
}

/// A line of text on the card.
struct Written {
    x: i32,
    y: i32,
    run: Run,
    /// On the band; black elsewhere.
    white: bool,
}

/// Everything in its place, but for the portrait.
struct Drawn {
    texts: Vec<Written>,
    code: Area,
    modules: Vec<Vec<bool>>,
}

/// The name on one line, as large as fits.
fn fitting(name: &str, width: i32) -> Run {
    let sizes = [120, 100, 80, 60];
    let set = |size: i32| letters::set(name, Weight::Bold, size);
    let fits = sizes.into_iter().map(set).find(|run| run.width <= width);
    // Of a name that fits in no size, what one line holds.
    fits.or_else(|| letters::wrap(name, Weight::Bold, 60, width).into_iter().next()).unwrap_or_else(|| set(60))
}

#[cfg(test)]
mod tests;
