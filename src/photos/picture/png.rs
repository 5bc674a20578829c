//! PNG row by row: each row is laid on white paper and averaged into the picture that is kept, then forgotten.

use super::{PictureError, Reduced, require_bearable, shrink};
use crate::{gates::rest, kernel::picture::over_white};
use image::{RgbImage, metadata::Orientation};
use png::{Decoder, DecodingError, Limits, Transformations};
use std::io::Cursor;

/// What the decoder may hold besides a row and our own pixels.
const DECODER_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Rows after which the work rests: about a millisecond of a telephone's picture.
const PACE_ROWS: usize = 16;

pub(super) fn decode(bytes: &[u8]) -> Result<Reduced, PictureError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: DECODER_MAX_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Palettes, transparent colours and all depths become 8 bits a channel.
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(unreadable)?;
    let (source, interlaced) = ((header.width, header.height), header.interlaced);
    require_bearable(source.0, source.1, interlaced)?;
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let mut sheet = Sheet::new(source, reader.output_color_type().0.samples());
    if interlaced {
        // Its rows come in seven passes.
        let mut whole = vec![0; reader.output_buffer_size().ok_or(PictureError::Dimensions)?];
        let frame = reader.next_frame(&mut whole).map_err(unreadable)?;
        whole.chunks_exact(frame.line_size).for_each(|row| sheet.lay(row));
    } else {
        let mut rows: usize = 0;
        while let Some(row) = reader.next_row().map_err(unreadable)? {
            sheet.lay(row.data());
            rows += 1;
            if rows.is_multiple_of(PACE_ROWS) {
                rest();
            }
        }
    }
    // To the file's end: one that stops before was cut.
    reader.finish().map_err(unreadable)?;
    let pixels = sheet.pixels().ok_or(PictureError::Unreadable)?;
    Ok(Reduced { pixels, orientation, source })
}

fn unreadable(_: DecodingError) -> PictureError {
    PictureError::Unreadable
}

/// Rows averaged by blocks, as they come. A last row or column that fills no block is left out.
struct Sheet {
    width: u32,
    height: u32,
    shrink: usize,
    channels: usize,
    /// Of the blocks that are being filled, and how many rows they have.
    sums: Vec<[u32; 3]>,
    rows: usize,
    averages: Vec<u8>,
}

impl Sheet {
    fn new((width, height): (u32, u32), channels: usize) -> Self {
        let by = shrink(width, height);
        let (width, height) = (width / by, height / by);
        let columns = usize::try_from(width).unwrap_or_default();
        let pixels = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or_default();
        Self {
            width,
            height,
            shrink: usize::try_from(by).unwrap_or(1),
            channels,
            sums: vec![[0; 3]; columns],
            rows: 0,
            averages: Vec::with_capacity(pixels * 3),
        }
    }

    fn lay(&mut self, row: &[u8]) {
        for (sums, block) in self.sums.iter_mut().zip(row.chunks_exact(self.shrink * self.channels)) {
            for pixel in block.chunks_exact(self.channels) {
                for (sum, channel) in sums.iter_mut().zip(opaque(pixel)) {
                    *sum += u32::from(channel);
                }
            }
        }
        self.rows += 1;
        if self.rows == self.shrink {
            let count = u32::try_from(self.shrink * self.shrink).unwrap_or(u32::MAX);
            let average = |sum: u32| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX);
            self.averages.extend(self.sums.iter().flatten().map(|sum| average(*sum)));
            self.sums.fill([0; 3]);
            self.rows = 0;
        }
    }

    /// `None` unless as many rows came as the header promised.
    fn pixels(mut self) -> Option<RgbImage> {
        let bytes = usize::try_from(u64::from(self.width) * u64::from(self.height) * 3).ok()?;
        self.averages.truncate(bytes);
        RgbImage::from_raw(self.width, self.height, self.averages)
    }
}

/// A pixel on white paper. Before averaging: a transparent pixel has a colour, which would bleed into its neighbours.
fn opaque(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [grey] => [grey; 3],
        [grey, alpha] => [over_white(grey, alpha); 3],
        [red, green, blue] => [red, green, blue],
        [red, green, blue, alpha] => [red, green, blue].map(|channel| over_white(channel, alpha)),
        _ => [u8::MAX; 3],
    }
}
