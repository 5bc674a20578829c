//! The safe path of an uploaded portrait: whatever comes in, what goes out is a small JPEG that we drew ourselves.
//!
//! Nothing of the file survives but its pixels: neither place nor camera, nor a page or an archive hidden behind the picture. Nothing is decoded
//! before the header has promised a bearable size. Decoding is heavy all the same: the worst file we could make (a progressive JPEG of 40 Mpx in
//! 99 passes) took 360 MB at its peak. Call this behind the bounded gate of images, never on the web's threads.

use image::{
    DynamicImage, ImageDecoder, ImageError, Limits, Rgb, RgbImage, Rgba,
    codecs::{jpeg::JpegDecoder, jpeg::JpegEncoder, png::PngDecoder},
    imageops::FilterType,
};
use std::io::Cursor;

/// The largest upload in bytes: what a telephone makes at its best.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Below, a face is too coarse to be recognised at a till. In pixels.
pub const MIN_SIDE: u32 = 200;
/// Longer sides are panoramas or traps. In pixels.
pub const MAX_SIDE: u32 = 12_000;
/// Beyond every telephone's usual setting; 120 MB once decoded in colour.
pub const MAX_PIXELS: u64 = 40_000_000;
/// Decoded pixels in bytes: every allowed picture at 8 bits a channel with alpha, half of them at 16 bits. Turning needs it twice.
const MAX_ALLOC: u64 = MAX_PIXELS * 4;

/// Size of a kept portrait in pixels: an identity photo's 35:45, sharp at 3 cm in print and on a gate's screen.
pub const WIDTH: u32 = 420;
/// See [`WIDTH`].
pub const HEIGHT: u32 = 540;
const QUALITY: u8 = 85;

const JPEG_MAGIC: &[u8] = &[0xff, 0xd8, 0xff];
const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Why a portrait is not taken, told to the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("la photo dépasse 10 Mo")]
    TooLarge,
    #[error("la photo doit être un fichier JPEG ou PNG")]
    NotAPicture,
    #[error("la photo doit mesurer au moins 200 pixels de côté, 12 000 au plus, et 40 millions de pixels en tout")]
    Dimensions,
    #[error("la photo est abîmée ou incomplète : envoyez-la de nouveau")]
    Unreadable,
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        if matches!(error, ImageError::Limits(_)) { Self::Dimensions } else { Self::Unreadable }
    }
}

/// The portrait upright, cropped to 35:45, 420 × 540 pixels, as a JPEG without metadata.
pub fn normalise(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    if bytes.len() > MAX_BYTES {
        return Err(PictureError::TooLarge);
    }
    let part = framed(&decode(bytes)?);
    let portrait = opaque(part).resize_exact(WIDTH, HEIGHT, FilterType::CatmullRom);
    let mut file = Vec::new();
    portrait.write_with_encoder(JpegEncoder::new_with_quality(&mut file, QUALITY))?;
    Ok(file)
}

/// The picture upright. The kind is told by the content: names and announced types are the caller's to invent.
fn decode(bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    if bytes.starts_with(JPEG_MAGIC) {
        let whole = whole_jpeg(bytes).ok_or(PictureError::Unreadable)?;
        pixels(JpegDecoder::new(Cursor::new(whole))?, limits)
    } else if bytes.starts_with(PNG_MAGIC) {
        pixels(PngDecoder::with_limits(Cursor::new(bytes), limits.clone())?, limits)
    } else {
        Err(PictureError::NotAPicture)
    }
}

/// Decodes once the header is known to be bearable.
fn pixels(mut decoder: impl ImageDecoder, mut limits: Limits) -> Result<DynamicImage, PictureError> {
    let (width, height) = decoder.dimensions();
    let sides = MIN_SIDE..=MAX_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::Dimensions);
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The file up to its end marker, `None` when it has none: the decoder would fill what is missing with grey and call it a picture.
/// What follows the marker (a film, an archive, a page) is not even shown to the decoder.
fn whole_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(2..)?;
    loop {
        let lead = rest.iter().position(|byte| *byte == 0xff)?;
        rest = rest.get(lead + 1..)?;
        match rest {
            [0xd9, after @ ..] => return bytes.get(..bytes.len() - after.len()),
            // Fill, a stuffed byte of the scan, a restart: no length follows.
            [0xff | 0x00 | 0x01 | 0xd0..=0xd8, ..] => {}
            [_, high, low, ..] => rest = rest.get(1 + usize::from(u16::from_be_bytes([*high, *low]))..)?,
            _ => return None,
        }
    }
}

/// The largest 35:45 part: centred in width, and in height above the middle, where faces are.
fn framed(picture: &DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let part_width = width.min(height * WIDTH / HEIGHT);
    let part_height = height.min(width * HEIGHT / WIDTH);
    picture.crop_imm((width - part_width) / 2, (height - part_height) / 3, part_width, part_height)
}

/// The picture on white paper. To be done before reducing: a transparent pixel has a colour, which would bleed into its neighbours.
fn opaque(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into();
    }
    let layered = picture.into_rgba8();
    let mut paper = RgbImage::new(layered.width(), layered.height());
    for (Rgb(out), Rgba([red, green, blue, alpha])) in paper.pixels_mut().zip(layered.pixels()) {
        *out = [*red, *green, *blue].map(|channel| over_white(channel, *alpha));
    }
    paper.into()
}

fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    u8::try_from((channel * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
