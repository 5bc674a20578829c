//! The safe path of an uploaded portrait: whatever comes in, what goes out is a small JPEG that we drew ourselves.
//!
//! Nothing of the file survives but its pixels: neither place nor camera, nor a page or an archive hidden behind the picture. Nothing is decoded
//! before the header has promised a bearable size, and nothing is decoded at a scale that the portrait does not need: a telephone's 12 Mpx cost
//! a fifth of the time and a tenth of the memory of decoding them whole. Call this behind the bounded gate of images, never on the web's threads.

mod jpeg;
mod png;

use super::{hints::Hints, size::Size};
use image::{
    DynamicImage, ImageFormat, RgbImage, codecs::jpeg::JpegEncoder, imageops::FilterType, metadata::Orientation,
};

/// The largest upload in bytes: what a telephone makes at its best.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Below, a face is too coarse to be recognised at a till. In pixels.
pub const MIN_SIDE: u32 = 200;
/// Longer sides are panoramas or traps. In pixels.
pub const MAX_SIDE: u32 = 12_000;
/// Beyond every telephone's usual setting.
pub const MAX_PIXELS: u64 = 40_000_000;
/// What comes in several passes must be held whole until the last one: 160 MB at most, for four channels.
pub const MAX_PIXELS_IN_PASSES: u64 = 20_000_000;

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
    #[error("en JPEG progressif ou en PNG entrelacé, la photo ne doit pas dépasser 20 millions de pixels")]
    Passes,
    #[error("la photo est abîmée ou incomplète : envoyez-la de nouveau")]
    Unreadable,
}

/// A portrait that we drew, and what its reviewer is told of the picture it was drawn from.
#[derive(Debug, PartialEq, Eq)]
pub struct Portrait {
    pub jpeg: Vec<u8>,
    pub hints: Hints,
}

/// A picture decoded no larger than needed, opaque, not yet upright.
struct Reduced {
    pixels: RgbImage,
    orientation: Orientation,
    /// Size of the source in pixels, as it is stored.
    source: (u32, u32),
}

/// The portrait upright and cropped to 35:45, in the size of a card, as a JPEG without metadata.
pub fn normalise(bytes: &[u8]) -> Result<Portrait, PictureError> {
    if bytes.len() > MAX_BYTES {
        return Err(PictureError::TooLarge);
    }
    let Reduced { pixels, orientation, source } = decode(bytes)?;
    let mut upright = DynamicImage::from(pixels);
    let stored_width = upright.width();
    upright.apply_orientation(orientation);
    let turned = stored_width != upright.width();
    let portrait = resized(&framed(&upright), Size::Card);
    let hints = Hints::of(&portrait.to_luma8(), if turned { (source.1, source.0) } else { source });
    Ok(Portrait { jpeg: encoded(&portrait, Size::Card)?, hints })
}

/// One of our portraits in a smaller size.
pub fn smaller(card_jpeg: &[u8], size: Size) -> Result<Vec<u8>, PictureError> {
    let card = image::load_from_memory_with_format(card_jpeg, ImageFormat::Jpeg);
    encoded(&resized(&card.map_err(|_| PictureError::Unreadable)?, size), size)
}

/// The kind is told by the content: names and announced types are the caller's to invent.
fn decode(bytes: &[u8]) -> Result<Reduced, PictureError> {
    if bytes.starts_with(JPEG_MAGIC) {
        jpeg::decode(bytes)
    } else if bytes.starts_with(PNG_MAGIC) {
        png::decode(bytes)
    } else {
        Err(PictureError::NotAPicture)
    }
}

/// Refuses what a header promises, before anything behind it is decoded.
fn require_bearable(width: u32, height: u32, in_passes: bool) -> Result<(), PictureError> {
    let sides = MIN_SIDE..=MAX_SIDE;
    let pixels = u64::from(width) * u64::from(height);
    if !sides.contains(&width) || !sides.contains(&height) || pixels > MAX_PIXELS {
        return Err(PictureError::Dimensions);
    }
    if in_passes && pixels > MAX_PIXELS_IN_PASSES {
        return Err(PictureError::Passes);
    }
    Ok(())
}

/// How many source pixels one decoded pixel may stand for, in each direction. The shorter side keeps the height of a card's portrait: whatever
/// the orientation, the part that is kept is not enlarged.
fn shrink(width: u32, height: u32) -> u32 {
    (width.min(height) / Size::Card.height()).max(1)
}

/// The largest 35:45 part: centred in width, and in height above the middle, where faces are.
fn framed(picture: &DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let part_width = width.min(height * Size::Card.width() / Size::Card.height());
    let part_height = height.min(width * Size::Card.height() / Size::Card.width());
    picture.crop_imm((width - part_width) / 2, (height - part_height) / 3, part_width, part_height)
}

fn resized(picture: &DynamicImage, size: Size) -> DynamicImage {
    picture.resize_exact(size.width(), size.height(), FilterType::CatmullRom)
}

fn encoded(portrait: &DynamicImage, size: Size) -> Result<Vec<u8>, PictureError> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, size.quality());
    portrait.write_with_encoder(encoder).map_err(|_| PictureError::Unreadable)?;
    Ok(file)
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
