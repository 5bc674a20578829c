use super::*;
use crate::photos::hints::Doubt;
use image::{Luma, LumaA, Rgb, Rgba, RgbaImage, codecs::png::PngEncoder};
use proptest::prelude::*;
use std::sync::LazyLock;

pub(super) const RED: [u8; 3] = [220, 30, 30];
pub(super) const BLUE: [u8; 3] = [30, 30, 220];

/// Red above, blue below.
pub(super) fn flag(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |_, y| Rgb(if y < height / 2 { RED } else { BLUE }))
}

pub(super) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 90).encode_image(picture).unwrap();
    file
}

pub(super) fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut file = Vec::new();
    picture.into().write_with_encoder(PngEncoder::new(&mut file)).unwrap();
    file
}

/// A little-endian Exif block with an orientation and a camera's name.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    block.extend(b"\x0f\x01\x02\0\x0b\0\0\0\x26\0\0\0");
    block.extend([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    block.extend(b"\0\0\0\0SecretCam\0\0");
    block
}

/// The same JPEG with an Exif segment after its first marker.
pub(super) fn with_exif(file: &[u8], orientation: u8) -> Vec<u8> {
    let block = exif(orientation);
    let length = u16::try_from(block.len() + 8).unwrap().to_be_bytes();
    [&file[..2], &[0xff, 0xe1], &length, b"Exif\0\0", &block, &file[2..]].concat()
}

pub(super) fn has(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}

/// What came out, checked to be ours: its kind, its size, and no segment that carries words.
pub(super) fn out(bytes: &[u8]) -> RgbImage {
    let file = normalise(bytes).unwrap().jpeg;
    assert!(file.starts_with(JPEG_MAGIC) && file.ends_with(&[0xff, 0xd9]));
    for word in [b"Exif".as_slice(), b"SecretCam", b"ICC_PROFILE", b"http", b"<html", b"PK\x03\x04"] {
        assert!(!has(&file, word));
    }
    let picture = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (Size::Card.width(), Size::Card.height()));
    picture
}

pub(super) fn near(pixel: Rgb<u8>, wanted: [u8; 3]) -> bool {
    pixel.0.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 12)
}

#[test]
fn both_kinds_come_out_as_a_small_jpeg() {
    for file in [jpeg(&flag(700, 900)), png(flag(700, 900)), jpeg(&flag(200, 200)), png(flag(3000, 210))] {
        let picture = out(&file);
        assert!(near(*picture.get_pixel(210, 20), RED));
        assert!(near(*picture.get_pixel(210, 520), BLUE));
    }
}

#[test]
fn every_orientation_is_set_upright() {
    for code in 1..=8 {
        // What a camera held so stores: the upright picture, turned back by the inverse of what the tag asks for.
        let turned_back = match Orientation::from_exif(code).unwrap() {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            own_inverse => own_inverse,
        };
        let mut upright = flag(350, 450);
        for y in 0..450 {
            (0..60).for_each(|x| upright.put_pixel(x, y, Rgb([255; 3])));
        }
        let mut stored = DynamicImage::from(upright);
        stored.apply_orientation(turned_back);
        let file = with_exif(&jpeg(&stored.into_rgb8()), code);
        assert!(has(&file, b"SecretCam"));
        let picture = out(&file);
        assert!(near(*picture.get_pixel(30, 270), [255; 3]), "white on the left, {code}");
        assert!(near(*picture.get_pixel(300, 20), RED), "red above, {code}");
        assert!(near(*picture.get_pixel(300, 520), BLUE), "blue below, {code}");
    }
}

#[test]
fn the_frame_keeps_the_middle_and_rather_the_top() {
    let wide = RgbImage::from_fn(900, 450, |x, _| Rgb(if (275..625).contains(&x) { RED } else { BLUE }));
    let picture = out(&png(wide));
    assert!(picture.pixels().all(|pixel| near(*pixel, RED)));
    // 600 rows too many: 200 go above, 400 below.
    let tall = RgbImage::from_fn(350, 1050, |_, y| Rgb(if (200..650).contains(&y) { RED } else { BLUE }));
    let picture = out(&png(tall));
    assert!(picture.pixels().all(|pixel| near(*pixel, RED)));
}

#[test]
fn what_is_transparent_becomes_white() {
    let clear = RgbaImage::from_pixel(210, 270, Rgba([0, 0, 0, 0]));
    assert!(out(&png(clear)).pixels().all(|pixel| near(*pixel, [255; 3])));
    let half = RgbaImage::from_pixel(210, 270, Rgba([0, 0, 200, 128]));
    assert!(out(&png(half)).pixels().all(|pixel| near(*pixel, [127, 127, 227])));
    let grey = image::ImageBuffer::from_pixel(210, 270, LumaA([0_u16, 0]));
    assert!(out(&png(grey)).pixels().all(|pixel| near(*pixel, [255; 3])));
    let grey = image::ImageBuffer::from_pixel(210, 270, Luma([100_u8]));
    assert!(out(&png(grey)).pixels().all(|pixel| near(*pixel, [100; 3])));
}

#[test]
fn sizes_have_their_bounds() {
    for (width, height) in [(199, 900), (900, 199), (12_001, 200), (200, 12_001)] {
        assert_eq!(normalise(&png(flag(width, height))), Err(PictureError::Dimensions), "{width} × {height}");
        assert_eq!(normalise(&jpeg(&flag(width, height))), Err(PictureError::Dimensions), "{width} × {height}");
    }
    assert!(normalise(&png(flag(12_000, 200))).is_ok());
    let heavy = |bytes| [jpeg(&flag(200, 200)), vec![0; bytes]].concat();
    let spare = MAX_BYTES - heavy(0).len();
    assert!(normalise(&heavy(spare)).is_ok());
    assert_eq!(normalise(&heavy(spare + 1)), Err(PictureError::TooLarge));
}

pub(super) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    let mut crc = u32::MAX;
    for byte in &body {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
    }
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [length.as_slice(), &body, &(!crc).to_be_bytes()].concat()
}

/// A PNG that promises that many pixels and holds none.
fn promise(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let header = [&width.to_be_bytes(), height.to_be_bytes().as_slice(), &[depth, color, 0, 0, 0]].concat();
    [PNG_MAGIC.to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1])].concat()
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_decoding() {
    for (width, height, depth, color) in
        [(60_000, 60_000, 8, 2), (8_000, 5_001, 8, 2), (0x7fff_ffff, 0x7fff_ffff, 16, 6)]
    {
        assert_eq!(
            normalise(&promise(width, height, depth, color)),
            Err(PictureError::Dimensions),
            "{width} × {height}"
        );
    }
    // Bearable by rows, however deep; and empty.
    assert_eq!(normalise(&promise(8_000, 5_000, 16, 6)), Err(PictureError::Unreadable));
    assert_eq!(normalise(&promise(300, 300, 8, 2)), Err(PictureError::Unreadable));
    let mut lying = jpeg(&flag(200, 200));
    let frame = lying.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    lying[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    assert_eq!(normalise(&lying), Err(PictureError::Dimensions));
}

#[test]
fn truncated_files_are_refused_wherever_they_stop() {
    for (file, step) in
        [(jpeg(&flag(300, 300)), 37), (with_exif(&jpeg(&flag(300, 300)), 6), 37), (png(flag(300, 300)), 7)]
    {
        for length in (8..file.len()).step_by(step) {
            assert_eq!(normalise(&file[..length]), Err(PictureError::Unreadable), "{length}");
        }
    }
    let file = jpeg(&flag(300, 300));
    assert_eq!(normalise(&file[..file.len() - 1]), Err(PictureError::Unreadable));
}

#[test]
fn what_hides_behind_a_picture_does_not_survive() {
    let behind = b"PK\x03\x04 <html><script src=http://x></script></html>";
    for file in [jpeg(&flag(300, 300)), png(flag(300, 300))] {
        out(&[file.as_slice(), behind].concat());
    }
    let commented = jpeg(&flag(300, 300));
    out(&[&commented[..2], &[0xff, 0xfe, 0, 15], b"<html>http://", &commented[2..]].concat());
}

#[test]
fn other_files_are_not_pictures() {
    let others: [&[u8]; 7] =
        [b"", b"%PDF-1.7", b"GIF89a", b"<svg/>", b"RIFF\0\0\0\0WEBPVP8 ", &[0xff, 0xd8], &PNG_MAGIC[..7]];
    for other in others {
        assert_eq!(normalise(other), Err(PictureError::NotAPicture));
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for magic in [&[], JPEG_MAGIC, PNG_MAGIC] {
            prop_assert!(normalise(&[magic, &bytes].concat()).is_err());
        }
    }
}

static SOUND: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let picture = flag(200, 210);
    [jpeg(&picture), with_exif(&jpeg(&picture), 6), png(picture)]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn damaged_pictures_never_panic(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        for mut file in SOUND.clone() {
            for (place, byte) in &damage {
                let place = place.index(file.len());
                file[place] = *byte;
            }
            if let Ok(kept) = normalise(&file) {
                prop_assert!(kept.jpeg.starts_with(JPEG_MAGIC));
            }
        }
    }
}

/// The stored picture of a flag that a camera held on its side shows.
pub(super) fn stored_lying(width: u32, height: u32) -> RgbImage {
    let mut stored = DynamicImage::from(flag(width, height));
    stored.apply_orientation(Orientation::Rotate270);
    stored.into_rgb8()
}

#[test]
fn the_reviewer_is_told_of_the_upright_source() {
    let hints = normalise(&with_exif(&jpeg(&stored_lying(1200, 1600)), 6)).unwrap().hints;
    assert_eq!((hints.source_width, hints.source_height), (1200, 1600));
    assert!(!hints.doubts().contains(&Doubt::Landscape));
    let hints = normalise(&png(flag(1600, 1200))).unwrap().hints;
    assert_eq!((hints.source_width, hints.source_height), (1600, 1200));
    assert!(hints.doubts().contains(&Doubt::Landscape));
    assert!(normalise(&jpeg(&flag(300, 400))).unwrap().hints.doubts().contains(&Doubt::SmallSource));
}

#[test]
fn smaller_sizes_are_drawn_from_the_cards() {
    let card = normalise(&jpeg(&flag(700, 900))).unwrap().jpeg;
    for size in [Size::Till, Size::Gate, Size::Card] {
        let file = smaller(&card, size).unwrap();
        let picture = image::load_from_memory_with_format(&file, ImageFormat::Jpeg).unwrap().into_rgb8();
        assert_eq!(picture.dimensions(), (size.width(), size.height()));
        assert!(near(*picture.get_pixel(size.width() / 2, 10), RED));
        assert!(near(*picture.get_pixel(size.width() / 2, size.height() - 10), BLUE));
    }
    assert_eq!(smaller(b"not ours", Size::Till), Err(PictureError::Unreadable));
}
