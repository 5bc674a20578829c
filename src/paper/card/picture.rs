//! The card as a PNG, with its alternative text in an `iTXt` chunk.

use super::{BAND, CardFace, Drawn, HEIGHT, PHOTO, WIDTH, Written};
use crate::paper::{PaperError, draw::not_written, letters::Weight};
use ab_glyph::{Font, FontRef, Glyph, GlyphId, PxScale, point};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};
use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};
use std::sync::LazyLock;

const BLUE: Rgb<u8> = Rgb([0, 51, 128]);
const WHITE: Rgb<u8> = Rgb([255; 3]);
const BLACK: Rgb<u8> = Rgb([0; 3]);
/// 300 dpi, in pixels a metre.
const PIXELS_A_METRE: u32 = 11_811;

static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| face(Weight::Regular.file()));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| face(Weight::Bold.file()));

#[expect(clippy::expect_used, reason = "the faces are part of the program: every test that prints reads them")]
fn face(file: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(file).expect("the face is readable")
}

/// Tenths of a point as pixels at 300 dpi.
fn pixels(tenths: i32) -> u32 {
    u32::try_from(tenths.saturating_mul(300).saturating_add(360).div_euclid(720)).unwrap_or_default()
}

pub fn png(face: &CardFace, drawn: &Drawn) -> Result<Vec<u8>, PaperError> {
    let mut picture = RgbImage::from_pixel(pixels(WIDTH), pixels(HEIGHT), WHITE);
    fill(&mut picture, (0, 0), (pixels(WIDTH), pixels(BAND)), BLUE);
    if let Some(jpeg) = &face.photo_jpeg {
        portrait(&mut picture, jpeg)?;
    }
    // A module is a whole number of pixels: blurred edges are what readers stumble over.
    let module = pixels(super::MODULE);
    let (left, mut top) = (pixels(drawn.code.x), pixels(drawn.code.y));
    for row in &drawn.modules {
        for (dark, x) in row.iter().zip((left..).step_by(usize::try_from(module).unwrap_or(1))) {
            if *dark {
                fill(&mut picture, (x, top), (module, module), BLACK);
            }
        }
        top = top.saturating_add(module);
    }
    for written in &drawn.texts {
        write(&mut picture, written);
    }
    encode(&picture, &face.alternative_text())
}

fn fill(picture: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32), ink: Rgb<u8>) {
    for y in top..top.saturating_add(height).min(picture.height()) {
        for x in left..left.saturating_add(width).min(picture.width()) {
            picture.put_pixel(x, y, ink);
        }
    }
}

fn portrait(picture: &mut RgbImage, jpeg: &[u8]) -> Result<(), PaperError> {
    let photo = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).map_err(not_written)?;
    let photo: DynamicImage =
        photo.resize_exact(pixels(PHOTO.width), pixels(PHOTO.height), imageops::FilterType::CatmullRom);
    imageops::overlay(picture, &photo.into_rgb8(), pixels(PHOTO.x).into(), pixels(PHOTO.y).into());
    Ok(())
}

#[expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "outlines of letters are floats; what is decided by them is how dark a pixel is"
)]
fn write(picture: &mut RgbImage, written: &Written) {
    let run = &written.run;
    let font: &FontRef<'_> = match run.weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    };
    let em = run.size as f32 * 300.0 / 720.0;
    let scale = PxScale::from(em * font.height_unscaled() / font.units_per_em().unwrap_or(1_000.0));
    let (mut x, y) = (pixels(written.x) as f32, pixels(written.y) as f32);
    let ink = if written.white { 255.0 } else { 0.0 };
    for set in &run.glyphs {
        let id = GlyphId(u16::try_from(krilla::text::Glyph::glyph_id(set).to_u32()).unwrap_or_default());
        let place = point(x + set.x_offset * em, y - set.y_offset * em);
        if let Some(outline) = font.outline_glyph(Glyph { id, scale, position: place }) {
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                let (px, py) = (corner.x as u32 + dx, corner.y as u32 + dy);
                if let Some(Rgb(pixel)) = picture.get_pixel_mut_checked(px, py) {
                    for channel in pixel {
                        let mixed = f32::from(*channel) * (1.0 - coverage) + ink * coverage;
                        *channel = mixed.round() as u8;
                    }
                }
            });
        }
        x += set.x_advance * em;
    }
}

fn encode(picture: &RgbImage, says: &str) -> Result<Vec<u8>, PaperError> {
    let mut file = vec![];
    let mut encoder = Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let side = PIXELS_A_METRE;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: side, yppu: side, unit: Unit::Meter }));
    encoder.add_itxt_chunk("Description".to_owned(), says.to_owned()).map_err(not_written)?;
    let mut writer = encoder.write_header().map_err(not_written)?;
    writer.write_image_data(picture.as_raw()).map_err(not_written)?;
    writer.finish().map_err(not_written)?;
    Ok(file)
}
