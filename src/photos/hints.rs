//! What a reviewer is told of a portrait before looking: size, light and sharpness, counted on its grey pixels. Nothing here knows what a face
//! is, and nothing is kept once the portrait is decided.

use super::size::Size;
use image::GrayImage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Variance of the Laplacian below which a portrait in the card's size looks blurred.
const SHARP_FROM: u32 = 40;
/// Mean levels of grey of a portrait one can see, of 255.
const LIGHT_FROM: u32 = 60;
const LIGHT_TO: u32 = 220;
/// Standard deviation of the levels below which there is hardly anything to see.
const CONTRAST_FROM: u32 = 20;

text_enum! {
    /// What may be wrong with a portrait, to be looked at: a hint never decides.
    pub enum Doubt {
        /// Smaller than what is printed.
        SmallSource = "small_source",
        /// Wider than high: much was cut off left and right.
        Landscape = "landscape",
        Blurred = "blurred",
        Dark = "dark",
        Bright = "bright",
        LowContrast = "low_contrast",
    }
}

/// Figures of a portrait and of the picture it was drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hints {
    /// Of the picture as sent, upright, in pixels.
    #[schema(example = 3000)]
    pub source_width: u32,
    #[schema(example = 4000)]
    pub source_height: u32,
    /// Variance of the Laplacian of the portrait's greys: low when it is blurred.
    #[schema(example = 310)]
    pub sharpness: u32,
    /// Mean level of grey, 0 to 255.
    #[schema(example = 128)]
    pub brightness: u32,
    /// Standard deviation of the levels of grey.
    #[schema(example = 52)]
    pub contrast: u32,
}

impl Hints {
    /// Of a portrait in the card's size, and the upright size of its source.
    #[must_use]
    pub fn of(portrait: &GrayImage, (source_width, source_height): (u32, u32)) -> Self {
        let levels = Moments::of(portrait.iter().map(|level| i64::from(*level)));
        let width = usize::try_from(portrait.width().max(1)).unwrap_or(1);
        let rows: Vec<&[u8]> = portrait.as_raw().chunks_exact(width).collect();
        let edges = Moments::of(rows.array_windows().flat_map(laplacian));
        Self {
            source_width,
            source_height,
            sharpness: edges.variance,
            brightness: levels.mean,
            contrast: levels.variance.isqrt(),
        }
    }

    /// What a reviewer should look at twice.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        let (width, height) = (Size::Card.width(), Size::Card.height());
        let found = [
            (self.source_width < width || self.source_height < height, Doubt::SmallSource),
            (self.source_width > self.source_height, Doubt::Landscape),
            (self.sharpness < SHARP_FROM, Doubt::Blurred),
            (self.brightness < LIGHT_FROM, Doubt::Dark),
            (self.brightness > LIGHT_TO, Doubt::Bright),
            (self.contrast < CONTRAST_FROM, Doubt::LowContrast),
        ];
        found.into_iter().filter_map(|(is, doubt)| is.then_some(doubt)).collect()
    }
}

/// How much each inner pixel of the middle row differs from its four neighbours.
fn laplacian([above, row, below]: &[&[u8]; 3]) -> impl Iterator<Item = i64> {
    let around = above.iter().skip(1).zip(below.iter().skip(1));
    row.array_windows().zip(around).map(|([left, middle, right], (above, below))| {
        i64::from(*left) + i64::from(*right) + i64::from(*above) + i64::from(*below) - 4 * i64::from(*middle)
    })
}

/// Of whole numbers; both are zero when there are none.
struct Moments {
    mean: u32,
    variance: u32,
}

impl Moments {
    fn of(values: impl Iterator<Item = i64>) -> Self {
        let (count, sum, squares) =
            values.fold((0_i64, 0_i64, 0_i64), |(count, sum, squares), v| (count + 1, sum + v, squares + v * v));
        let count = count.max(1);
        let variance = (count * squares - sum * sum) / (count * count);
        Self {
            mean: u32::try_from(sum / count).unwrap_or_default(),
            variance: u32::try_from(variance).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    const UPRIGHT: (u32, u32) = (3000, 4000);

    fn portrait(level: impl Fn(u32, u32) -> u8) -> GrayImage {
        GrayImage::from_fn(Size::Card.width(), Size::Card.height(), |x, y| Luma([level(x, y)]))
    }

    #[test]
    fn a_plain_wall_is_flat_and_a_chessboard_is_sharp() {
        let wall = Hints::of(&portrait(|_, _| 128), UPRIGHT);
        assert_eq!((wall.brightness, wall.contrast, wall.sharpness), (128, 0, 0));
        assert_eq!(wall.doubts(), [Doubt::Blurred, Doubt::LowContrast]);
        let board = Hints::of(&portrait(|x, y| if (x / 10 + y / 10) % 2 == 0 { 60 } else { 180 }), UPRIGHT);
        assert_eq!((board.brightness, board.contrast), (120, 60));
        assert_eq!(board.doubts(), []);
    }

    #[test]
    fn a_slope_has_contrast_and_no_edge() {
        let slope = Hints::of(&portrait(|_, y| u8::try_from(y / 3).unwrap()), UPRIGHT);
        assert_eq!(slope.doubts(), [Doubt::Blurred]);
    }

    #[test]
    fn light_and_source_are_doubted_at_their_bounds() {
        let board = |low, high| portrait(move |x, y| if (x / 10 + y / 10) % 2 == 0 { low } else { high });
        assert_eq!(Hints::of(&board(0, 90), UPRIGHT).doubts(), [Doubt::Dark]);
        assert_eq!(Hints::of(&board(200, 255), UPRIGHT).doubts(), [Doubt::Bright]);
        let fine = board(60, 180);
        assert_eq!(Hints::of(&fine, (420, 540)).doubts(), []);
        assert_eq!(Hints::of(&fine, (419, 540)).doubts(), [Doubt::SmallSource]);
        assert_eq!(Hints::of(&fine, (1000, 540)).doubts(), [Doubt::Landscape]);
        assert_eq!(Hints::of(&fine, (600, 500)).doubts(), [Doubt::SmallSource, Doubt::Landscape]);
    }
}
