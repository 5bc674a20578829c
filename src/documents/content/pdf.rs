//! Whether a PDF holds pages and nothing that acts: no script, no attachment, no launch, no form of programs, no encryption.
//!
//! Nothing here interprets the file. A reader of PDFs may follow its cross-references to any place, or rebuild them by looking for objects;
//! so this looks everywhere it could. Every place that reads like the start of an object starts one here, or the file is refused; all
//! that is not the data of a stream is searched for the names of active content, escapes undone, in strings and comments too; streams
//! that may hold objects are unpacked within bounds and searched alike. What this does not understand is refused, never waved through:
//! a family can always send a picture.

mod lexer;

use super::ContentError;
use flate2::read::ZlibDecoder;
use lexer::{End, is_space, object_after};
use memchr::memmem;
use std::io::{Read, copy, sink};

/// Proofs have a few pages; an agent reads each.
const PAGES_MAX: usize = 30;
/// The index of a file of thirty pages takes some hundred kilobytes. In bytes, of one stream of objects.
const OBJECTS_MAX: u64 = 4 * 1024 * 1024;
/// All that a file unpacks to: pages scanned without loss included, less than a second's work. In bytes.
const UNPACKED_MAX: u64 = 128 * 1024 * 1024;
/// The end marker stands in the last bytes, before nothing but spaces.
const TAIL: usize = 1024;
/// An archive's directory ends within so many bytes of its file's end.
const ARCHIVE_TAIL: usize = 66_000;
/// Longer names are none of those that matter.
const NAME_MAX: usize = 32;

/// Refuses what is not plainly a document of pages.
pub fn check(file: &[u8]) -> Result<(), ContentError> {
    require_frame(file)?;
    let (mut found, mut unpacked, mut seen) = (Found::default(), 0, 0);
    while let Some(start) = object_after(file, seen) {
        let (value_end, end) = lexer::value_end(file, start)?;
        let value = part(file, start, value_end);
        // Hidden in a string or a comment of another one, an object would be found by who is led there.
        if object_after(file, start).is_some_and(|hidden| hidden <= value_end) {
            return Err(ContentError::Unusual);
        }
        found.search(part(file, seen, value_end))?;
        seen = match end {
            End::Object => value_end,
            End::Stream => {
                let length = memmem::find(part(file, value_end, file.len()), b"endstream");
                let data_end = value_end + length.ok_or(ContentError::Unreadable)?;
                if object_after(file, value_end).is_some_and(|hidden| hidden <= data_end) {
                    return Err(ContentError::Unusual);
                }
                stream(value, part(file, value_end, data_end), &mut unpacked, &mut found)?;
                data_end
            }
        };
    }
    found.search(part(file, seen, file.len()))?;
    found.verdict()
}

fn part(file: &[u8], start: usize, end: usize) -> &[u8] {
    file.get(start..end).unwrap_or_default()
}

/// The header at the very start, the end marker at the very end: nothing can stand before or behind, and nothing was cut off.
fn require_frame(file: &[u8]) -> Result<(), ContentError> {
    let known = file.starts_with(b"%PDF-1.") || file.starts_with(b"%PDF-2.");
    let tail = part(file, file.len().saturating_sub(TAIL), file.len());
    let end = memmem::rfind(tail, b"%%EOF").ok_or(ContentError::Unreadable)?;
    let after = part(tail, end + b"%%EOF".len(), tail.len());
    if !known || memmem::find(tail, b"startxref").is_none() {
        return Err(ContentError::Unreadable);
    }
    let archive = memmem::find(part(file, file.len().saturating_sub(ARCHIVE_TAIL), file.len()), b"PK\x05\x06");
    if archive.is_some() || !after.iter().all(|byte| is_space(*byte)) {
        return Err(ContentError::Unusual);
    }
    Ok(())
}

/// Unpacks what is packed: streams of objects to be searched, others to know how much they would fill.
fn stream(dictionary: &[u8], data: &[u8], unpacked: &mut u64, found: &mut Found) -> Result<(), ContentError> {
    let (mut packed, mut filters, mut plain_index, mut may_hold_objects, mut filter_awaited) =
        (0, 0, true, false, false);
    each_name(dictionary, |name, after| {
        match name {
            b"FlateDecode" | b"Fl" => {
                packed += 1;
                plain_index &= filter_awaited;
            }
            b"Filter" => filters += 1,
            // Only a stream of objects says where the first one is.
            b"First" | b"ObjStm" => may_hold_objects = true,
            b"Type" | b"N" | b"Length" | b"Extends" => {}
            _ => plain_index = false,
        }
        filter_awaited = name == b"Filter" && after.iter().all(|byte| is_space(*byte) || *byte == b'[');
        Ok(())
    })?;
    // Packed twice, a little becomes a world.
    if packed > 1 {
        return Err(ContentError::Unusual);
    }
    let data = data.strip_prefix(b"\r\n").or_else(|| data.strip_prefix(b"\n")).unwrap_or(data);
    let left = UNPACKED_MAX.saturating_sub(*unpacked);
    if may_hold_objects {
        // How it is packed is told once, there and then: readers differ where it could be read two ways.
        if !plain_index || filters != packed {
            return Err(ContentError::Unusual);
        }
        found.search(data)?;
        if packed == 1 {
            let bound = left.min(OBJECTS_MAX);
            let mut objects = Vec::new();
            // To its own end, with its checksum: a reader that gets further than we do would see what we did not.
            ZlibDecoder::new(data).take(bound + 1).read_to_end(&mut objects).map_err(|_| ContentError::Unreadable)?;
            *unpacked += u64::try_from(objects.len()).unwrap_or(u64::MAX);
            if *unpacked > UNPACKED_MAX || u64::try_from(objects.len()).unwrap_or(u64::MAX) > bound {
                return Err(ContentError::Unusual);
            }
            found.search(&objects)?;
        }
    } else if packed == 1 {
        // A damaged picture harms nobody: what counts is how much came out of it.
        let mut packed = ZlibDecoder::new(data).take(left + 1);
        copy(&mut packed, &mut sink()).ok();
        *unpacked += (left + 1).saturating_sub(packed.limit());
        if *unpacked > UNPACKED_MAX {
            return Err(ContentError::Unusual);
        }
    }
    Ok(())
}

/// What the names of a file tell.
#[derive(Default)]
struct Found {
    pages: usize,
    /// Something happens when the file is opened, and it is not just a page to show.
    opens: bool,
    links: bool,
}

impl Found {
    fn search(&mut self, text: &[u8]) -> Result<(), ContentError> {
        each_name(text, |name, after| {
            match name {
                b"Encrypt" => return Err(ContentError::Encrypted),
                b"JavaScript" | b"JS" | b"Launch" | b"EmbeddedFile" | b"EmbeddedFiles" | b"FileAttachment"
                | b"RichMedia" | b"XFA" | b"AA" | b"SubmitForm" | b"ImportData" | b"GoToE" | b"GoToR" | b"EF"
                | b"AF" | b"Filespec" | b"Collection" | b"3D" | b"Rendition" | b"Movie" | b"Sound" => {
                    return Err(ContentError::Active);
                }
                b"OpenAction" => {
                    let value = after.iter().find(|byte| !is_space(**byte));
                    self.opens |= value != Some(&b'[');
                }
                b"URI" => self.links = true,
                b"Page" => self.pages += 1,
                _ => {}
            }
            Ok(())
        })
    }

    fn verdict(&self) -> Result<(), ContentError> {
        match self.pages {
            // An action behind a reference is not followed; what is left for it to be is a jump, or an address that would be called.
            _ if self.opens && self.links => Err(ContentError::Active),
            0 => Err(ContentError::Unreadable),
            1..=PAGES_MAX => Ok(()),
            _ => Err(ContentError::TooManyPages),
        }
    }
}

/// Tells each name of a text, escapes undone, with what follows it up to the next one.
fn each_name(text: &[u8], mut tell: impl FnMut(&[u8], &[u8]) -> Result<(), ContentError>) -> Result<(), ContentError> {
    let mut name = Vec::with_capacity(NAME_MAX);
    for named in text.split(|byte| *byte == b'/').skip(1) {
        let length = named.iter().position(|byte| !lexer::is_regular(*byte)).unwrap_or(named.len());
        let (raw, after) = named.split_at(length);
        name.clear();
        let mut rest = raw;
        while name.len() <= NAME_MAX {
            let (byte, left) = match rest {
                [b'#', high, low, left @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    (hex(*high) << 4 | hex(*low), left)
                }
                [byte, left @ ..] => (*byte, left),
                [] => break,
            };
            name.push(byte);
            rest = left;
        }
        tell(&name, after)?;
    }
    Ok(())
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
