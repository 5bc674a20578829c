//! What every drawing of pictures that strangers sent must mind.

/// Passes over a JPEG, at most: encoders make ten. A few bytes ask for one, and each costs the time of the whole picture.
const MAX_SCANS: u32 = 64;

/// A JPEG up to its end marker, `None` when it has none: a decoder would fill what is missing with grey and call it a picture; `None` also
/// when it has too many passes. What follows the marker (a film, an archive, a page) need not even be shown to the decoder.
#[must_use]
pub fn whole_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let mut scans = 0;
    let mut rest = bytes.get(2..)?;
    loop {
        rest = rest.get(memchr::memchr(0xff, rest)? + 1..)?;
        match rest {
            [0xd9, after @ ..] => return bytes.get(..bytes.len() - after.len()),
            // Fill, a stuffed byte of the scan, a restart: no length follows.
            [0xff | 0x00 | 0x01 | 0xd0..=0xd8, ..] => {}
            [marker, high, low, ..] => {
                scans += u32::from(*marker == 0xda);
                if scans > MAX_SCANS {
                    return None;
                }
                rest = rest.get(1 + usize::from(u16::from_be_bytes([*high, *low]))..)?;
            }
            _ => return None,
        }
    }
}

/// A channel of a transparent pixel laid on white paper: black letters on nothing would be black on black.
#[must_use]
pub fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    u8::try_from((channel * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_ends_at_its_marker_and_has_few_passes() {
        let scan = [0xff, 0xda, 0, 4, 1, 2, 7, 0xff, 0x00, 9];
        let file = |scans: usize, end: &[u8]| [&[0xff, 0xd8], scan.repeat(scans).as_slice(), end].concat();
        let one = file(1, &[0xff, 0xd9]);
        assert_eq!(whole_jpeg(&file(1, &[0xff, 0xd9, b'P', b'K'])), Some(one.as_slice()), "what follows is cut off");
        assert_eq!(whole_jpeg(&file(1, &[])), None, "no end marker");
        assert!(whole_jpeg(&file(64, &[0xff, 0xd9])).is_some());
        assert_eq!(whole_jpeg(&file(65, &[0xff, 0xd9])), None, "too many passes");
        assert_eq!(whole_jpeg(&[0xff]), None);
        assert_eq!(whole_jpeg(&[0xff, 0xd8, 0xff, 0xda, 0xff, 0xff, 1]), None, "a length beyond the file");
    }

    #[test]
    fn nothing_shows_paper_and_opaque_shows_itself() {
        assert_eq!((over_white(10, 0), over_white(10, u8::MAX), over_white(0, 128)), (255, 10, 127));
    }
}
