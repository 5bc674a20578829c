//! Portraits: what goes in is hostile, what comes out was drawn by us and lies sealed.

use crate::support::{Answer, Family, World};
use diesel::{prelude::*, sql_types};
use image::{
    DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};
use reqwest::Method;
use std::io::{Read, Write};

const RED: Rgb<u8> = Rgb([220, 30, 30]);
const BLUE: Rgb<u8> = Rgb([30, 30, 220]);

/// Red above, blue below.
fn flag(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |_, y| if y < height / 2 { RED } else { BLUE })
}

fn encoded(picture: &RgbImage) -> Vec<u8> {
    let mut file = vec![];
    JpegEncoder::new_with_quality(&mut file, 90).encode_image(picture).unwrap();
    file
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&flag(width, height))
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut file = vec![];
    picture.into().write_with_encoder(PngEncoder::new(&mut file)).unwrap();
    file
}

/// The same JPEG with an Exif segment: an orientation, a camera's name, a place.
fn with_exif(file: &[u8], orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    block.extend(b"\x0f\x01\x02\0\x0b\0\0\0\x26\0\0\0");
    block.extend([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    block.extend(b"\0\0\0\0SecretCam\0\0GPS 48.8924N 2.2071E");
    let length = u16::try_from(block.len() + 8).unwrap().to_be_bytes();
    [&file[..2], &[0xff, 0xe1], &length, b"Exif\0\0", &block, &file[2..]].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

/// A PNG whose header promises that many pixels and whose body holds a few bytes.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let chunk = |name: &[u8], data: &[u8]| {
        let named = [name, data].concat();
        [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &header),
        &chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

fn path(family: &Family, child: &str) -> String {
    family.path(&format!("children/{child}/photo"))
}

/// Sends a portrait under that media type.
pub async fn send(family: &Family, child: &str, media_type: &str, file: Vec<u8>) -> Answer {
    let request = family.request(Method::PUT, &path(family, child));
    family.send(request.header("content-type", media_type).body(file)).await
}

fn has(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}

fn near(pixel: Rgb<u8>, wanted: Rgb<u8>) -> bool {
    pixel.0.iter().zip(wanted.0).all(|(a, b)| a.abs_diff(b) < 12)
}

#[derive(QueryableByName)]
struct Sealed {
    #[diesel(sql_type = sql_types::Binary)]
    image_sealed: Vec<u8>,
}

#[actix_web::test]
async fn a_portrait_comes_back_upright_without_metadata_and_lies_sealed() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    family.get(&path(&family, &child)).await.refused(404, "not_found");
    family.delete(&path(&family, &child)).await.refused(404, "not_found");

    // A camera held upside down stores the picture so and says it in Exif (orientation 3).
    let sent = with_exif(&encoded(&image::imageops::rotate180(&flag(700, 900))), 3);
    assert!(has(&sent, b"SecretCam") && has(&sent, b"GPS 48"));
    send(&family, &child, "image/jpeg", sent.clone()).await.expect(204);
    let shown = family.get(&path(&family, &child)).await.expect(200);
    assert_eq!(shown.headers["content-type"], "image/jpeg");
    let journal = format!("/v1/departments/92/journal?object_id={child}");
    let seen = world.administrator.get(&journal).await.expect(200);
    let views = seen.items().iter().filter(|line| line["action"] == "photo_viewed" && line["actor_kind"] == "guardian");
    assert_eq!(views.count(), 1, "{}", seen.json);
    assert_eq!(family.get(&format!("{}?state=submitted", path(&family, &child))).await.expect(200).bytes, shown.bytes);
    for word in [b"Exif".as_slice(), b"SecretCam", b"GPS", b"II*"] {
        assert!(!has(&shown.bytes, word));
    }
    let picture = image::load_from_memory_with_format(&shown.bytes, ImageFormat::Jpeg).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (420, 540));
    assert!(near(*picture.get_pixel(210, 20), RED) && near(*picture.get_pixel(210, 520), BLUE));

    let row = |conn: &mut PgConnection| -> Sealed {
        diesel::sql_query("select image_sealed from photos").get_result(conn).unwrap()
    };
    let mut intruder = world.superuser("92");
    let at_rest = row(&mut intruder).image_sealed;
    assert!(image::guess_format(&at_rest).is_err() && !has(&at_rest, b"JFIF") && !has(&at_rest, &shown.bytes[..32]));
    assert!(!has(&at_rest, &shown.bytes[shown.bytes.len() - 32..]));

    // What lies behind the picture is not kept; the newer portrait replaces the former.
    let polyglot = [jpeg(300, 400), b"PK\x03\x04<html><script>".to_vec()].concat();
    send(&family, &child, "image/jpeg", polyglot).await.expect(204);
    let second = family.get(&path(&family, &child)).await.expect(200);
    assert!(!has(&second.bytes, b"PK\x03\x04") && !has(&second.bytes, b"<html>") && second.bytes != shown.bytes);
    send(&family, &child, "image/png", png(flag(400, 300))).await.expect(204);
    assert_ne!(row(&mut intruder).image_sealed, at_rest);
    family.delete(&path(&family, &child)).await.expect(204);
    family.get(&path(&family, &child)).await.refused(404, "not_found");
    let left: i64 = diesel::select(diesel::dsl::sql::<sql_types::BigInt>("(select count(*) from photos)"))
        .get_result(&mut intruder)
        .unwrap();
    assert_eq!(left, 0);
}

#[actix_web::test]
async fn what_is_not_a_bearable_picture_is_refused_with_its_reason() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    send(&family, &child, "image/png", png(flag(300, 400))).await.expect(204);
    let before = family.get(&path(&family, &child)).await.expect(200).bytes;
    let whole = jpeg(700, 900);
    let whole_png = png(flag(700, 900));
    for (media, file, reason) in [
        ("image/jpeg", b"<html>".to_vec(), "JPEG ou PNG"),
        ("image/jpeg", vec![], "JPEG ou PNG"),
        ("image/png", b"GIF89a\x01\x00\x01\x00".to_vec(), "JPEG ou PNG"),
        ("image/jpeg", b"%PDF-1.7".to_vec(), "JPEG ou PNG"),
        ("image/jpeg", b"\xff\xd8\xff".to_vec(), "abîmée"),
        ("image/jpeg", whole[..whole.len() / 2].to_vec(), "abîmée"),
        ("image/jpeg", whole[..whole.len() - 2].to_vec(), "abîmée"),
        ("image/png", whole_png[..whole_png.len() / 2].to_vec(), "abîmée"),
        ("image/png", bomb(40_000, 40_000), "pixels"),
        ("image/png", bomb(12_000, 12_000), "pixels"),
        ("image/png", bomb(u32::MAX >> 1, 300), "pixels"),
        ("image/png", png(GrayImage::new(12_001, 200)), "pixels"),
        ("image/jpeg", jpeg(199, 400), "pixels"),
    ] {
        let length = file.len();
        let answer = send(&family, &child, media, file).await.refused(422, "photo.refused");
        assert!(answer.text("/detail").contains(reason), "{media} of {length} bytes: {}", answer.json);
    }
    // A lying label on a good picture does no harm: its content tells what it is.
    send(&family, &child, "image/png", whole.clone()).await.expect(204);
    send(&family, &child, "image/jpeg", png(flag(300, 400))).await.expect(204);
    for media in ["text/html", "image/svg+xml", "application/json", "multipart/form-data"] {
        send(&family, &child, media, whole.clone()).await.refused(415, "request.media_type");
    }
    assert_eq!(family.get(&path(&family, &child)).await.expect(200).bytes, before);

    // Ten megabytes, announced: refused before a byte of the body is sent.
    let answer = announce(&family, &path(&family, &child), 10 * 1024 * 1024 + 1);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("request.too_large"), "{answer}");
    // And as large as allowed, noise behind the picture included.
    let mut largest = whole;
    largest.resize(10 * 1024 * 1024, 7);
    send(&family, &child, "image/jpeg", largest).await.expect(204);
}

/// The answer to a request that announces a body and does not send it.
fn announce(family: &Family, path: &str, length: usize) -> String {
    let address = family.base.trim_start_matches("http://");
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let token = family.token.as_deref().unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: image/jpeg\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = vec![0; 4096];
    let mut read = 0;
    while !String::from_utf8_lossy(&answer[..read]).contains("\r\n\r\n{") {
        match socket.read(&mut answer[read..]).unwrap() {
            0 => break,
            more => read += more,
        }
    }
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[actix_web::test]
async fn a_portrait_is_its_familys_alone() {
    let world = World::start().await;
    let (family, stranger) = (world.family("92").await, world.family("92").await);
    let child = family.add_child("Lou", "2015-03-14").await;
    send(&family, &child, "image/jpeg", jpeg(300, 400)).await.expect(204);
    let before = family.get(&path(&family, &child)).await.expect(200).bytes;
    stranger.get(&path(&family, &child)).await.refused(404, "not_found");
    stranger.delete(&path(&family, &child)).await.refused(404, "not_found");
    send(&stranger, &child, "image/jpeg", jpeg(400, 400)).await.refused(404, "not_found");
    world.api.get(&path(&family, &child)).await.refused(401, "auth.required");
    world.administrator.get(&path(&family, &child)).await.refused(403, "auth.forbidden");
    // The same child does not exist in the other department.
    let elsewhere = format!("/v1/departments/78/children/{child}/photo");
    family.get(&elsewhere).await.refused(404, "not_found");
    assert_eq!(family.get(&path(&family, &child)).await.expect(200).bytes, before);
    // The journal tells that it was sent and seen, by whom, and nothing of it.
    let journal = world.administrator.get(&format!("/v1/departments/92/journal?object_id={child}")).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["child_added", "photo_submitted", "photo_viewed", "photo_viewed"]);
}

/// Holds every place of the gate of pictures until the sender is dropped.
fn crowd(world: &World) -> Vec<std::sync::mpsc::Sender<()>> {
    let mut held = vec![];
    for _ in 0..18 {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let gate = world.app.pictures.clone();
        actix_web::rt::spawn(async move { gate.run(move || wait.recv().ok()).await.ok() });
        held.push(release);
    }
    held
}

#[actix_web::test]
async fn a_storm_of_portraits_is_told_to_come_back_while_debits_go_on() {
    let scene = crate::support::Scene::set().await;
    let child = &scene.pupil.child;
    let crowd = crowd(&scene.world);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let refused = send(&scene.family, child, "image/jpeg", jpeg(300, 400)).await.refused(503, "service.busy");
    assert_eq!(refused.headers["retry-after"], "2");
    scene.debit("culture", 100).await.expect(201);
    scene.family.get(&path(&scene.family, child)).await.refused(404, "not_found");
    drop(crowd);
    // Those that held the places have left.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    send(&scene.family, child, "image/jpeg", jpeg(300, 400)).await.expect(204);
}

/// A 12 Mpx JPEG as telephones store them.
fn telephone() -> Vec<u8> {
    let picture = RgbImage::from_fn(4000, 3000, |x, y| {
        let [soft, fine] = [(x / 40 + y / 30) % 200, (x * 7 + y * 13) % 24];
        let level = u8::try_from(soft + fine).unwrap();
        Rgb([level, 255 - level, level / 2])
    });
    with_exif(&encoded(&picture), 6)
}

#[test]
fn a_telephones_portrait_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portrait.jpg");
    std::fs::write(&file, telephone()).unwrap();
    let measured = std::process::Command::new(env!("CARGO_BIN_EXE_passplus"))
        .args(["bench", "photo-path", "ours"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&measured.stdout).unwrap();
    // The file itself included; decoded whole it would be 36 MB and twice that to turn it.
    assert!(figures["peak_mb"].as_f64().unwrap() < 30.0, "{figures}");
}
