//! A picture as a telephone makes it: 12 Mpx stored lying, soft shapes, fine texture, the noise of a sensor.

use anyhow::Context;
use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;
const QUALITY: u8 = 88;
/// A little-endian Exif segment of one entry: to be turned by a quarter (orientation 6).
const TURNED: &[u8] = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

/// The same at each run.
pub fn telephone() -> anyhow::Result<Vec<u8>> {
    let mut dice = fastrand::Rng::with_seed(92);
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let soft = wave(x + y / 2, 2700, 90) + wave(y * 2 + x / 3, 1900, 60);
        let fine = wave(x * 3 + y * 2, 61, 10) + wave(y * 5 + x, 97, 8);
        let light = 30 + soft + fine + dice.u32(0..8);
        let level = |level: u32| u8::try_from(level).unwrap_or(u8::MAX);
        Rgb([level(light + 25), level(light), level(light * 3 / 4 + 20)])
    });
    let mut file = vec![];
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(&picture)?;
    let (start, rest) = file.split_at_checked(2).context("an empty picture")?;
    Ok([start, TURNED, rest].concat())
}

/// Up and down between zero and that height, once a period.
fn wave(at: u32, period: u32, height: u32) -> u32 {
    let phase = at % period;
    phase.min(period - phase) * 2 * height / period
}
