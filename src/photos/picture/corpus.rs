//! Files of all the kinds that cameras, editors and attackers make: each comes out as a portrait or is refused with its reason, none brings
//! the decoder down.

use super::{
    tests::{BLUE, RED, chunk, flag, has, jpeg, near, out, png, stored_lying, with_exif},
    *,
};
use ::png::{BitDepth, ColorType, Encoder as PngWriter};
use image::{ImageBuffer, Rgb, Rgba};
use jpeg_encoder::{ColorType as Channels, Encoder, SamplingFactor};

fn encoder(file: &mut Vec<u8>) -> Encoder<&mut Vec<u8>> {
    let mut encoder = Encoder::new(file, 90);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder
}

/// A JPEG of those channels, prepared by `prepare`.
fn made(
    (width, height): (u32, u32),
    channels: Channels,
    data: &[u8],
    prepare: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = encoder(&mut file);
    prepare(&mut encoder);
    encoder.encode(data, width.try_into().unwrap(), height.try_into().unwrap(), channels).unwrap();
    file
}

fn rgb(width: u32, height: u32, prepare: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    made((width, height), Channels::Rgb, flag(width, height).as_raw(), prepare)
}

fn progressive(width: u32, height: u32) -> Vec<u8> {
    rgb(width, height, |encoder| encoder.set_progressive(true))
}

/// Red above, blue below.
#[track_caller]
fn shows_the_flag(file: &[u8]) {
    let picture = out(file);
    assert!(near(*picture.get_pixel(210, 20), RED), "{:?}", picture.get_pixel(210, 20));
    assert!(near(*picture.get_pixel(210, 520), BLUE), "{:?}", picture.get_pixel(210, 520));
}

#[test]
fn jpegs_of_every_kind_and_scale_show_what_they_are() {
    // Below and above each of the reduced scales.
    for (width, height) in [(210, 270), (541, 700), (1079, 1100), (1080, 1100), (2160, 2161)] {
        shows_the_flag(&rgb(width, height, |_| {}));
    }
    for sampling in [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_2, SamplingFactor::R_4_4_0, SamplingFactor::R_4_1_1]
    {
        shows_the_flag(&rgb(1101, 1103, |encoder| encoder.set_sampling_factor(sampling)));
    }
    shows_the_flag(&rgb(600, 800, |encoder| encoder.set_restart_interval(7)));
    for (width, height) in [(301, 401), (1100, 1101)] {
        shows_the_flag(&progressive(width, height));
    }
    shows_the_flag(&with_exif(&jpeg(&stored_lying(1100, 1200)), 6));
}

#[test]
fn ink_and_greys_become_colours() {
    let sheet = |top: [u8; 4], bottom: [u8; 4]| -> Vec<u8> {
        (0..400 * 600).flat_map(|at| if at < 400 * 300 { top } else { bottom }).collect()
    };
    for channels in [Channels::Cmyk, Channels::CmykAsYcck] {
        // Pure magenta and yellow make red, cyan and magenta blue, black alone black.
        let file = made((400, 600), channels, &sheet([0, 255, 255, 0], [255, 255, 0, 0]), |_| {});
        let picture = out(&file);
        let (above, below) = (*picture.get_pixel(210, 20), *picture.get_pixel(210, 520));
        assert!(near(above, [255, 0, 0]) && near(below, [0, 0, 255]), "{above:?} {below:?}");
        let file = made((400, 600), channels, &sheet([0, 0, 0, 255], [0, 0, 0, 0]), |_| {});
        let picture = out(&file);
        assert!(near(*picture.get_pixel(210, 20), [0; 3]) && near(*picture.get_pixel(210, 520), [255; 3]));
    }
    let greys: Vec<u8> = (0..400 * 600).map(|at| if at < 400 * 300 { 200 } else { 40 }).collect();
    let picture = out(&made((400, 600), Channels::Luma, &greys, |_| {}));
    assert!(near(*picture.get_pixel(210, 20), [200; 3]) && near(*picture.get_pixel(210, 520), [40; 3]));
}

/// A PNG written row by row, with what `prepare` asks for.
fn written(
    (width, height): (u32, u32),
    (color, depth): (ColorType, BitDepth),
    data: &[u8],
    prepare: impl FnOnce(&mut PngWriter<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = PngWriter::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    prepare(&mut encoder);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    file
}

#[test]
fn pngs_of_every_kind_show_what_they_are() {
    let halves =
        |top: u8, bottom: u8, row: usize| -> Vec<u8> { [vec![top; row * 300], vec![bottom; row * 300]].concat() };
    // A palette, of one byte and of one bit a pixel.
    let palette = |encoder: &mut PngWriter<'_, &mut Vec<u8>>| encoder.set_palette([RED, BLUE].concat());
    shows_the_flag(&written((400, 600), (ColorType::Indexed, BitDepth::Eight), &halves(0, 1, 400), palette));
    shows_the_flag(&written((400, 600), (ColorType::Indexed, BitDepth::One), &halves(0, 255, 50), palette));
    // A palette whose second colour is transparent.
    let clear = |encoder: &mut PngWriter<'_, &mut Vec<u8>>| {
        encoder.set_palette([RED, BLUE].concat());
        encoder.set_trns(vec![255, 0]);
    };
    let picture = out(&written((400, 600), (ColorType::Indexed, BitDepth::Eight), &halves(0, 1, 400), clear));
    assert!(near(*picture.get_pixel(210, 20), RED) && near(*picture.get_pixel(210, 520), [255; 3]));
    // Sixteen bits, with and without alpha, large enough to be averaged.
    let deep = |level: u8| u16::from(level) * 257;
    let sixteen = ImageBuffer::from_fn(1100, 1200, |_, y| Rgb((if y < 600 { RED } else { BLUE }).map(deep)));
    shows_the_flag(&png(sixteen));
    let layered = ImageBuffer::from_fn(1100, 1200, |_, y| {
        let [red, green, blue] = if y < 600 { RED } else { BLUE }.map(deep);
        Rgba([red, green, blue, u16::MAX])
    });
    shows_the_flag(&png(layered));
    shows_the_flag(&png(flag(1621, 1901)));
    let adaptive = |encoder: &mut PngWriter<'_, &mut Vec<u8>>| encoder.set_filter(::png::Filter::Adaptive);
    shows_the_flag(&written((700, 901), (ColorType::Rgb, BitDepth::Eight), flag(700, 901).as_raw(), adaptive));
}

#[test]
fn an_animation_shows_its_first_picture() {
    let mut file = vec![];
    let mut encoder = PngWriter::new(&mut file, 400, 600);
    encoder.set_color(ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(flag(400, 600).as_raw()).unwrap();
    writer.write_image_data(RgbImage::new(400, 600).as_raw()).unwrap();
    writer.finish().unwrap();
    assert!(has(&file, b"fcTL") && has(&file, b"fdAT"));
    shows_the_flag(&file);
}

#[test]
fn every_kind_cut_at_each_twentieth_is_refused() {
    let kinds = [
        jpeg(&flag(300, 400)),
        rgb(300, 400, |encoder| encoder.set_restart_interval(5)),
        progressive(300, 400),
        with_exif(&jpeg(&stored_lying(300, 400)), 6),
        png(flag(300, 400)),
        png(ImageBuffer::from_pixel(300, 400, Rgba([1_u16, 2, 3, 4]))),
    ];
    for (kind, file) in kinds.iter().enumerate() {
        assert!(normalise(file).is_ok(), "{kind}");
        for twentieth in 1..20 {
            let cut = &file[..file.len() * twentieth / 20];
            let refused = normalise(cut).unwrap_err();
            assert!(matches!(refused, PictureError::Unreadable | PictureError::NotAPicture), "{kind} at {twentieth}");
        }
    }
}

#[test]
fn the_place_and_the_camera_are_gone() {
    let place = b"48.8924 N 2.2071 E";
    let mut file = vec![];
    let mut encoder = encoder(&mut file);
    let exif = [b"II*\0\x08\0\0\0\0\0\0\0\0\0GPS ".as_slice(), place, b" SecretCam"].concat();
    encoder.add_exif_metadata(&exif).unwrap();
    encoder.add_icc_profile(b"a profile that names SecretCam").unwrap();
    encoder.add_app_segment(13, [b"Photoshop 3.0\0".as_slice(), place].concat()).unwrap();
    encoder.encode(flag(400, 600).as_raw(), 400, 600, Channels::Rgb).unwrap();
    let file = [&file[..2], b"\xff\xfe\0\x14", place, &file[2..]].concat();
    let commented = png(flag(400, 600));
    let (head, rest) = commented.split_at(33);
    let text = chunk(*b"tEXt", &[b"Location\0".as_slice(), place].concat());
    let commented = [head, &text, &chunk(*b"eXIf", &exif), rest].concat();
    for file in [file, commented] {
        assert!(has(&file, place));
        let kept = normalise(&file).unwrap().jpeg;
        assert!(!has(&kept, place) && !has(&kept, b"SecretCam") && !has(&kept, b"GPS"));
        shows_the_flag(&file);
    }
}

#[test]
fn a_file_of_two_kinds_is_the_one_it_begins_with() {
    let (photo, drawing) = (jpeg(&flag(400, 600)), png(RgbImage::new(400, 600)));
    shows_the_flag(&[photo.as_slice(), &drawing].concat());
    shows_the_flag(&[photo.as_slice(), b"%PDF-1.7 <html> PK\x03\x04"].concat());
    // A page in a comment, before the picture.
    shows_the_flag(&[&photo[..2], b"\xff\xfe\0\x15<html><script>x()", b"</", &photo[2..]].concat());
    for lie in [b"%PDF-1.7\n".as_slice(), b"GIF89a", b"RIFF", b"\0\0\0\x18ftypheic"] {
        assert_eq!(normalise(&[lie, &photo].concat()), Err(PictureError::NotAPicture));
    }
    // The end of one kind behind the beginning of the other.
    assert_eq!(normalise(&[&drawing[..40], &photo].concat()), Err(PictureError::Unreadable));
    assert_eq!(normalise(&[&photo[..20], &drawing].concat()), Err(PictureError::Unreadable));
}

#[test]
fn headers_that_promise_too_much_are_refused_unread() {
    let lying = |mut file: Vec<u8>, marker: u8, sides: [u8; 4]| {
        let frame = file.windows(2).position(|two| two == [0xff, marker]).unwrap();
        file[frame + 5..frame + 9].copy_from_slice(&sides);
        file
    };
    // 65,535 a side; 10,000 × 5,000.
    for sides in [[0xff; 4], [0x13, 0x88, 0x27, 0x10]] {
        assert_eq!(normalise(&lying(jpeg(&flag(300, 300)), 0xc0, sides)), Err(PictureError::Dimensions));
        assert_eq!(normalise(&lying(progressive(300, 300), 0xc2, sides)), Err(PictureError::Dimensions));
    }
    // 6,000 × 4,000: fine in one pass, too much in ten.
    let sides = [0x0f, 0xa0, 0x17, 0x70];
    assert_eq!(normalise(&lying(progressive(300, 300), 0xc2, sides)), Err(PictureError::Passes));
    assert_ne!(normalise(&lying(jpeg(&flag(300, 300)), 0xc0, sides)), Err(PictureError::Passes));
    // None at all.
    assert!(normalise(&lying(jpeg(&flag(300, 300)), 0xc0, [0; 4])).is_err());
}

#[test]
fn a_picture_of_endless_passes_is_refused() {
    let file = progressive(300, 300);
    assert!(normalise(&file).is_ok());
    // One pass more, many times: each is a few bytes long and asks for the whole picture.
    let last = file.windows(2).rposition(|two| two == [0xff, 0xda]).unwrap();
    let (head, scan) = file.split_at(last);
    let (scan, end) = scan.split_at(scan.len() - 2);
    let endless = [head, &scan.repeat(100), end].concat();
    assert_eq!(normalise(&endless), Err(PictureError::Unreadable));
}

/// An interlaced PNG of greys: light above, dark below; its seven passes lie unpacked in one block.
fn interlaced(width: u32, height: u32) -> Vec<u8> {
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let mut rows = vec![];
    for (left, top, right, down) in passes {
        for y in (top..height).step_by(down) {
            rows.push(0);
            rows.extend((left..width).step_by(right).map(|_| if y < height / 2 { 200_u8 } else { 40 }));
        }
    }
    let length = u16::try_from(rows.len()).unwrap();
    let (a, b) =
        rows.iter().fold((1, 0), |(a, b), byte| ((a + u32::from(*byte)) % 65_521, (b + a + u32::from(*byte)) % 65_521));
    let sum = (b << 16 | a).to_be_bytes();
    let data = [&[0x78, 1, 1], &length.to_le_bytes()[..], &(!length).to_le_bytes(), &rows, &sum].concat();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 1]].concat();
    [PNG_MAGIC.to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", &data), chunk(*b"IEND", b"")].concat()
}

#[test]
fn an_interlaced_png_is_whole_or_refused() {
    let file = interlaced(216, 280);
    let picture = out(&file);
    assert!(near(*picture.get_pixel(210, 20), [200; 3]) && near(*picture.get_pixel(210, 520), [40; 3]));
    for twentieth in 1..20 {
        assert_eq!(normalise(&file[..file.len() * twentieth / 20]), Err(PictureError::Unreadable), "{twentieth}");
    }
    let header = |width: u32, height: u32| {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 1]].concat();
        [PNG_MAGIC.to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1])].concat()
    };
    assert_eq!(normalise(&header(6_000, 4_000)), Err(PictureError::Passes));
    assert_eq!(normalise(&header(600, 400)), Err(PictureError::Unreadable));
}
