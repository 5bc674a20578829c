//! A photographed or scanned proof: decoded within limits and drawn anew, legible and without metadata.

use super::{ContentError, Media};
use crate::kernel::picture::{over_white, whole_jpeg};
use image::{
    DynamicImage, ImageDecoder, ImageError, Limits, Rgb, RgbImage, Rgba,
    codecs::{
        jpeg::{JpegDecoder, JpegEncoder},
        png::PngDecoder,
    },
};
use std::io::Cursor;

/// Below, nothing can be read. In pixels.
const MIN_SIDE: u32 = 300;
/// Longer sides are traps. In pixels.
const MAX_SIDE: u32 = 12_000;
/// Beyond every telephone's usual setting; 120 MB once decoded in colour.
const MAX_PIXELS: u64 = 40_000_000;
/// Decoded pixels in bytes: 8 bits a channel, with alpha.
const MAX_ALLOC: u64 = MAX_PIXELS * 4;
/// Longer sides are reduced to that: 250 dots an inch of an A4 page, enough for its small print. In pixels.
const KEPT_SIDE: u32 = 3_000;
const QUALITY: u8 = 85;

impl From<ImageError> for ContentError {
    fn from(error: ImageError) -> Self {
        if matches!(error, ImageError::Limits(_)) { Self::Dimensions } else { Self::Unreadable }
    }
}

/// The picture upright, at most 3,000 pixels a side, as a JPEG that holds its pixels and nothing else.
pub fn redraw(file: &[u8], media: Media) -> Result<Vec<u8>, ContentError> {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    let picture = if media == Media::Png {
        decode(PngDecoder::with_limits(Cursor::new(file), limits.clone())?, limits)?
    } else {
        let whole = whole_jpeg(file).ok_or(ContentError::Unreadable)?;
        decode(JpegDecoder::new(Cursor::new(whole))?, limits)?
    };
    let page = on_paper(picture);
    let page = if page.width().max(page.height()) > KEPT_SIDE { page.thumbnail(KEPT_SIDE, KEPT_SIDE) } else { page };
    let mut kept = Vec::new();
    page.write_with_encoder(JpegEncoder::new_with_quality(&mut kept, QUALITY))?;
    Ok(kept)
}

/// Decodes once the header is known to be bearable.
fn decode(mut decoder: impl ImageDecoder, mut limits: Limits) -> Result<DynamicImage, ContentError> {
    let (width, height) = decoder.dimensions();
    let sides = MIN_SIDE..=MAX_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ContentError::Dimensions);
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// What is transparent shows white paper.
fn on_paper(picture: DynamicImage) -> DynamicImage {
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

#[cfg(test)]
mod tests {
    use super::*;
    use image::{RgbaImage, codecs::png::PngEncoder};
    use proptest::prelude::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let page = RgbImage::from_fn(width, height, |x, _| Rgb(if x % 40 < 20 { [250; 3] } else { [10, 10, 90] }));
        JpegEncoder::new_with_quality(&mut file, 90).encode_image(&page).expect("a JPEG");
        file
    }

    fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut file = Vec::new();
        picture.into().write_with_encoder(PngEncoder::new(&mut file)).expect("a PNG");
        file
    }

    fn size(file: &[u8]) -> (u32, u32) {
        let picture = image::load_from_memory_with_format(file, image::ImageFormat::Jpeg).expect("a JPEG");
        (picture.width(), picture.height())
    }

    #[test]
    fn a_page_keeps_its_form_and_loses_what_is_hidden() {
        let plain = jpeg(600, 800);
        let noted = [&plain[..2], b"\xff\xfe\x00\x0cSecretCam!", &plain[2..], b"PK\x03\x04<script>"].concat();
        let kept = redraw(&noted, Media::Jpeg).expect("kept");
        assert_eq!(size(&kept), (600, 800));
        for word in [b"SecretCam".as_slice(), b"PK\x03\x04", b"<script>"] {
            assert!(memchr::memmem::find(&noted, word).is_some() && memchr::memmem::find(&kept, word).is_none());
        }
        assert_eq!(size(&redraw(&jpeg(300, 4_500), Media::Jpeg).expect("kept")), (200, 3_000));
        let clear = redraw(&png(RgbaImage::from_pixel(300, 300, Rgba([0, 0, 0, 0]))), Media::Png).expect("kept");
        let clear = image::load_from_memory(&clear).expect("a JPEG").into_rgb8();
        assert!(clear.pixels().all(|pixel| pixel.0.iter().all(|channel| *channel > 250)));
    }

    #[test]
    fn what_is_too_small_too_large_or_cut_is_refused() {
        assert_eq!(redraw(&jpeg(299, 800), Media::Jpeg), Err(ContentError::Dimensions));
        assert_eq!(redraw(&png(RgbImage::new(12_001, 300)), Media::Png), Err(ContentError::Dimensions));
        let (whole, whole_png) =
            (jpeg(400, 400), png(RgbImage::from_fn(400, 400, |x, y| Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7]))));
        for length in [10, whole.len() / 2, whole.len() - 1] {
            assert_eq!(redraw(&whole[..length], Media::Jpeg), Err(ContentError::Unreadable), "{length}");
        }
        assert_eq!(redraw(&whole_png[..whole_png.len() / 2], Media::Png), Err(ContentError::Unreadable));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn damaged_pictures_never_panic(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            for (mut file, media) in [(jpeg(300, 310), Media::Jpeg), (png(RgbImage::new(300, 310)), Media::Png)] {
                for (place, byte) in &damage {
                    let place = place.index(file.len());
                    file[place] = *byte;
                }
                let _ = redraw(&file, media);
            }
        }
    }
}
