//! The picture that the tour sends.

use image::{ImageFormat, RgbImage};
use std::io::Cursor;

/// A drawn portrait: a face before a blue wall.
pub(super) fn portrait() -> anyhow::Result<Vec<u8>> {
    let mut picture = RgbImage::from_pixel(600, 800, image::Rgb([120, 150, 200]));
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (dx, dy) = (i64::from(x) - 300, i64::from(y) - 340);
        if dx * dx * 100 / 64 + dy * dy < 200 * 200 {
            *pixel = image::Rgb([224, 184, 150]);
        }
    }
    let mut png = Cursor::new(vec![]);
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}
