//! JPEG at reduced scale: each block of 8 × 8 gives 4 × 4, 2 × 2 or one pixel, so the picture never exists at its full size.

use super::{PictureError, Reduced, require_bearable, shrink};
use crate::{gates::rest, kernel::picture::whole_jpeg};
use image::{RgbImage, metadata::Orientation};
use jpeg_decoder::{CodingProcess, Decoder, PixelFormat};
use std::{
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Bytes after which reading rests: half a millisecond of decoding. The decoder hands rows to threads of its own, through a queue without bound:
/// on a busy machine it would fill with most of the picture, three times the memory of the rest. The whole of a telephone's picture rests 10 ms.
const PACE_BYTES: usize = 16 * 1024;

/// A file that is read no faster than its rows are worked off.
struct Paced<'f> {
    rest: &'f [u8],
    read: usize,
}

impl Read for Paced<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.read >= PACE_BYTES {
            self.read = 0;
            rest();
        }
        let count = self.rest.read(into)?;
        self.read += count;
        Ok(count)
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Reduced, PictureError> {
    let whole = whole_jpeg(bytes).ok_or(PictureError::Unreadable)?;
    // A decoder that stumbles over a crafted file refuses it, like every other error of it.
    catch_unwind(AssertUnwindSafe(|| reduced(whole))).unwrap_or(Err(PictureError::Unreadable))
}

fn reduced(file: &[u8]) -> Result<Reduced, PictureError> {
    let unreadable = |_| PictureError::Unreadable;
    let mut decoder = Decoder::new(Paced { rest: file, read: 0 });
    decoder.read_info().map_err(unreadable)?;
    let header = decoder.info().ok_or(PictureError::Unreadable)?;
    let (width, height) = (u32::from(header.width), u32::from(header.height));
    require_bearable(width, height, header.coding_process == CodingProcess::DctProgressive)?;
    if header.coding_process == CodingProcess::Lossless {
        // Of scanners and medicine: it has no blocks to reduce.
        return Err(PictureError::Unreadable);
    }
    let most = shrink(width, height);
    let by = [8, 4, 2].into_iter().find(|by| u32::from(*by) <= most).unwrap_or(1);
    decoder.scale(header.width.div_ceil(by), header.height.div_ceil(by)).map_err(unreadable)?;
    let raw = decoder.decode().map_err(unreadable)?;
    let info = decoder.info().ok_or(PictureError::Unreadable)?;
    let rgb = match info.pixel_format {
        PixelFormat::RGB24 => raw,
        PixelFormat::L8 => raw.into_iter().flat_map(|grey| [grey; 3]).collect(),
        PixelFormat::CMYK32 => raw.as_chunks().0.iter().flat_map(|ink| without_ink(*ink)).collect(),
        PixelFormat::L16 => return Err(PictureError::Unreadable),
    };
    let pixels = RgbImage::from_raw(info.width.into(), info.height.into(), rgb).ok_or(PictureError::Unreadable)?;
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    Ok(Reduced { pixels, orientation, source: (width, height) })
}

/// What white paper shows under that much cyan, magenta, yellow and black.
fn without_ink([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    [cyan, magenta, yellow].map(|ink| {
        let light = u32::from(255 - ink) * u32::from(255 - black);
        u8::try_from((light + 127) / 255).unwrap_or(u8::MAX)
    })
}
