//! As much of the syntax of PDF as it takes to know where an object begins and where its value ends.

use crate::documents::content::ContentError;
use memchr::{memchr, memchr2, memmem};

/// Brackets within brackets; real files have a dozen.
const DEPTH_MAX: usize = 64;

/// How a value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Object,
    /// The data of a stream begins there.
    Stream,
}

pub const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// Neither space nor delimiter: a byte of a name, number or word.
pub const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// Where the value of the next object begins, from a place on: after an `obj` that ends a line, a number or spaces behind one.
pub fn object_after(file: &[u8], from: usize) -> Option<usize> {
    let before = |back: usize, at: usize| at.checked_sub(back).and_then(|place| file.get(place)).copied();
    let found = memmem::find_iter(file.get(from..)?, b"obj").map(|at| from + at).find(|at| {
        let led = match before(1, *at) {
            Some(b'0'..=b'9' | b'\r' | b'\n') => true,
            Some(space) if is_space(space) => {
                before(2, *at).is_some_and(|byte| byte.is_ascii_digit() || is_space(byte))
            }
            _ => false,
        };
        led && file.get(at + 3).is_none_or(|byte| !is_regular(*byte))
    });
    found.map(|at| at + 3)
}

/// Where the value that begins there ends, and how. Strings and comments are passed over. Brackets must match: where they do not, readers
/// go on in ways of their own, and what is an end to one is none to another.
pub fn value_end(file: &[u8], start: usize) -> Result<(usize, End), ContentError> {
    let (mut at, mut open, mut after_dictionary) = (start, Vec::new(), false);
    while let Some(rest) = file.get(at..).filter(|rest| !rest.is_empty()) {
        let closed = after_dictionary;
        let taken = match rest {
            [byte, ..] if is_space(*byte) => {
                at += 1;
                continue;
            }
            [b'%', ..] => {
                at += memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            [b'(', ..] => string_length(rest).ok_or(ContentError::Unreadable)?,
            [b'<', b'<', ..] => opened(&mut open, Bracket::Dictionary, 2)?,
            [b'<', ..] => memchr(b'>', rest).ok_or(ContentError::Unreadable)? + 1,
            [b'>', b'>', ..] if open.pop() == Some(Bracket::Dictionary) => 2,
            [b'[', ..] => opened(&mut open, Bracket::Array, 1)?,
            [b']', ..] if open.pop() == Some(Bracket::Array) => 1,
            [b'/', name @ ..] => 1 + word(name).len(),
            [byte, ..] if is_regular(*byte) => {
                let word = word(rest);
                match word {
                    b"endobj" if open.is_empty() => return Ok((at + word.len(), End::Object)),
                    b"obj" if open.is_empty() => return Ok((at, End::Object)),
                    b"stream" if open.is_empty() && closed => return Ok((at + word.len(), End::Stream)),
                    b"endobj" | b"obj" | b"stream" => return Err(ContentError::Unusual),
                    _ => word.len(),
                }
            }
            _ => return Err(ContentError::Unusual),
        };
        after_dictionary = rest.starts_with(b">>");
        at += taken;
    }
    if open.is_empty() { Ok((file.len(), End::Object)) } else { Err(ContentError::Unreadable) }
}

#[derive(Debug, PartialEq, Eq)]
enum Bracket {
    Dictionary,
    Array,
}

/// Enters brackets of that many bytes.
fn opened(open: &mut Vec<Bracket>, bracket: Bracket, bytes: usize) -> Result<usize, ContentError> {
    if open.len() >= DEPTH_MAX {
        return Err(ContentError::Unusual);
    }
    open.push(bracket);
    Ok(bytes)
}

fn word(text: &[u8]) -> &[u8] {
    let length = text.iter().position(|byte| !is_regular(*byte)).unwrap_or(text.len());
    text.get(..length).unwrap_or_default()
}

/// Length of a string in round brackets, which may hold balanced or escaped ones.
fn string_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}
