use super::*;
use flate2::{Compression, write::ZlibEncoder};
use proptest::prelude::*;
use std::io::Write as _;

const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>";

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plain).expect("packed");
    packer.finish().expect("packed")
}

fn file(objects: &[&[u8]]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (object, number) in objects.iter().zip(1..) {
        file.extend(format!("{number} 0 obj\n").bytes());
        file.extend(*object);
        file.extend(b"\nendobj\n");
    }
    file.extend(b"xref\n0 1\n0000000000 65535 f \ntrailer<</Size 9/Root 1 0 R>>\nstartxref\n9\n%%EOF\n");
    file
}

fn stream_object(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary}/Length {}>>\nstream\r\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

fn content() -> Vec<u8> {
    stream_object("/Filter/FlateDecode", &packed(b"BT /F1 12 Tf (Notification de bourse) Tj ET"))
}

/// One page, and whatever more.
fn proof(more: &[&[u8]]) -> Vec<u8> {
    let content = content();
    let plain: [&[u8]; 4] =
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", PAGE.as_bytes(), &content];
    file(&[&plain, more].concat())
}

fn objects(plain: &str) -> Vec<u8> {
    stream_object("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &packed(plain.as_bytes()))
}

fn refused(more: &[u8]) -> Option<ContentError> {
    check(&proof(&[more])).err()
}

#[test]
fn documents_of_pages_are_taken() {
    assert_eq!(check(&proof(&[])), Ok(()));
    assert_eq!(refused(&objects("5 0 <</Type/Page/Annots[<</S/URI/URI(https://www.education.gouv.fr)>>]>>")), None);
    assert_eq!(refused(b"<</Type/Catalog/OpenAction[3 0 R/XYZ null null 0]/A<</URI(https://a.fr)>>>>"), None);
    assert_eq!(refused(b"<</OpenAction 7 0 R>>"), None, "a jump");
    assert_eq!(refused(b"<</Title(balanced (brackets) and \\) escaped \\( ones) % a comment ) >>\n/A[<00ff>]>>"), None);
    // A picture's data may hold any bytes but those of an object's start.
    assert_eq!(refused(&stream_object("/Subtype/Image", b"\xff\xd8 /JS /AA object 5 objet \x01obj xobj ")), None);
    // Without a reason to be here but to show that real ones pass: printed by the service itself.
    let unpacked = stream_object("/Type/ObjStm/N 1/First 4", b"5 0 <</Type/Page>>");
    assert_eq!(refused(&unpacked), None);
}

#[test]
fn what_acts_is_refused_however_it_is_written() {
    for acting in [
        "<</S/JavaScript/JS(app.alert(1))>>",
        "<</S/Java#53cript/J#53(app.alert(1))>>",
        "<</S/#4a#61#76#61#53#63#72#69#70#74>>",
        "<</S/Launch/F(cmd.exe)>>",
        "<</Names<</EmbeddedFiles 7 0 R>>>>",
        "<</Type/EmbeddedFile>>",
        "<</AA<</O 7 0 R>>>>",
        "<</AcroForm<</XFA 7 0 R>>>>",
        "<</Subtype/RichMedia>>",
        "<</S/GoToR/F(//evil/share)>>",
        "<</OpenAction<</S/URI/URI(https://evil.example)>>>>",
        "<</OpenAction 7 0 R>>\nendobj\n8 0 obj<</S/URI/URI(https://evil.example)>>",
    ] {
        assert_eq!(refused(acting.as_bytes()), Some(ContentError::Active), "{acting}");
        // One object behind another: in a stream of objects, nothing stands between.
        let objects = objects(&format!("5 0 {}", acting.replace("endobj\n8 0 obj", "")));
        assert_eq!(refused(&objects), Some(ContentError::Active), "packed {acting}");
        let commented = format!("<<>>\n% {acting}");
        assert_eq!(refused(commented.as_bytes()), Some(ContentError::Active), "commented {acting}");
    }
    assert_eq!(refused(b"<</Encrypt 9 0 R>>"), Some(ContentError::Encrypted));
    assert_eq!(refused(b"<</#45ncrypt 9 0 R>>"), Some(ContentError::Encrypted));
}

#[test]
fn nothing_hides_where_only_some_readers_look() {
    let script = "5 0 <</S/JavaScript>>";
    let hidden = packed(script.as_bytes());
    let with = |dictionary: &str, data: &[u8]| stream_object(dictionary, data);
    // Objects in a stream that does not say that it holds some, or says it in escapes.
    for dictionary in ["/N 1/First 4/Filter/FlateDecode", "/Type/Obj#53tm/N 1/F#69rst 4/F#69lter/Fl#61teDecode"] {
        assert_eq!(refused(&with(dictionary, &hidden)), Some(ContentError::Active), "{dictionary}");
    }
    // Packed in a way that is not followed here, or that can be read two ways.
    for dictionary in [
        "/Type/ObjStm/N 1/First 4/Filter/LZWDecode",
        "/Type/ObjStm/N 1/First 4/Filter[/ASCIIHexDecode/FlateDecode]",
        "/Type/ObjStm/N 1/First 4/Filter/FlateDecode/DecodeParms<</Predictor 12>>",
        "/Type/ObjStm/N 1/First 4/Filter 7 0 R",
        "/Type/ObjStm/N 1/First 4/Filter 7 0 R/Extends/FlateDecode",
        "/Type/ObjStm/N 1/First 4/Filter/FlateDecode/Filter 7 0 R",
        "/Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]",
        "/Filter[/FlateDecode/FlateDecode]",
    ] {
        assert_eq!(refused(&with(dictionary, &packed(b"5 0 <<>>"))), Some(ContentError::Unusual), "{dictionary}");
    }
    // Cut short, a reader might still get further than a checksum allows.
    let cut = with("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &hidden[..hidden.len() - 2]);
    assert_eq!(refused(&cut), Some(ContentError::Unreadable));
    // An object within the data of a stream, a string or a comment, for cross-references to lead to.
    for object in ["9 0 obj<</A 1>>endobj", "9 0\nobj <<>>", "9 %\n0 %\nobj<<>>", "9 0obj[]"] {
        let data = with("/Subtype/Image", format!("\x01\x02 {object} \x03").as_bytes());
        assert_eq!(refused(&data), Some(ContentError::Unusual), "in a stream: {object}");
        let string = format!("<</Title({object})>>");
        assert_eq!(refused(string.as_bytes()), Some(ContentError::Unusual), "in a string: {object}");
    }
    // What looks like a value's end to one reader and not to another.
    for value in [
        "<</A endobj/B 1>>",
        "<</A]/B 1>>",
        "[1 2>>",
        "<</A obj/B 1>>",
        "1 stream\nx\nendstream",
        "<</A<<>> stream\nx\nendstream>>",
        &"[".repeat(100),
    ] {
        assert_eq!(refused(value.as_bytes()), Some(ContentError::Unusual), "{value}");
    }
    let feint =
        [b"<</Type/ObjStm/N(>>stream\n)/First 4/Filter/FlateDecode>>stream\n".as_slice(), &hidden, b"\nendstream"];
    assert_eq!(refused(&feint.concat()), Some(ContentError::Active), "a string is no stream");
    let named = [
        b"<</endobj 1/stream 2/obj 3/Type/ObjStm/First 4/N 1/Filter/FlateDecode>>stream\n".as_slice(),
        &hidden,
        b"\nendstream",
    ];
    assert_eq!(refused(&named.concat()), Some(ContentError::Unusual), "names are no words");
}

#[test]
fn files_that_are_cut_or_are_something_else_too_are_refused() {
    let whole = proof(&[]);
    for length in (0..whole.len() - 7).step_by(11) {
        assert_eq!(check(&whole[..length]), Err(ContentError::Unreadable), "{length}");
    }
    let open = file(&[b"<</Type/Page", b"<<>>\nstream\nwithout end"]);
    assert!(check(&open).is_err());
    assert_eq!(check(&file(&[b"<</Type/Catalog>>"])), Err(ContentError::Unreadable), "no page");
    assert_eq!(check(&[b"GIF89a".as_slice(), &whole].concat()), Err(ContentError::Unreadable));
    assert_eq!(check(&[whole.as_slice(), b"<html><script>"].concat()), Err(ContentError::Unusual));
    let archive = proof(&[b"<</A(PK\x05\x06)>>"]);
    assert_eq!(check(&archive), Err(ContentError::Unusual));
    assert_eq!(check(&[whole.as_slice(), b"\r\n\0\0"].concat()), Ok(()));
    let pages = |count| format!("[{}]", "<</Type/Page>>".repeat(count));
    assert_eq!(refused(pages(29).as_bytes()), None);
    assert_eq!(refused(pages(30).as_bytes()), Some(ContentError::TooManyPages));
    assert_eq!(refused(&objects(&format!("5 0 {}", pages(30)))), Some(ContentError::TooManyPages));
}

#[test]
fn what_swells_when_unpacked_is_refused_within_bounds() {
    let mega = 1024 * 1024;
    assert_eq!(refused(&objects(&" ".repeat(5 * mega))), Some(ContentError::Unusual), "objects");
    let page = stream_object("/Filter/FlateDecode", &packed(&vec![0; 65 * mega]));
    assert_eq!(check(&proof(&[&page])), Ok(()));
    assert_eq!(check(&proof(&[&page, &page])), Err(ContentError::Unusual), "pages");
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        noise in prop::collection::vec(prop::sample::select(b"/<>()[]%#\\ \nobjstreamend0123456789".as_slice()), 0..200),
    ) {
        let mut file = proof(&[&objects("5 0 <</Type/Page>>"), &noise]);
        for (place, byte) in &damage {
            let place = place.index(file.len());
            file[place] = *byte;
        }
        let _ = check(&file);
        let place = cut.index(file.len());
        let _ = check(&[&file[..place], b"\nstartxref\n0\n%%EOF"].concat());
    }

    /// Whatever stands around it, a script in clear is never waved through.
    #[test]
    fn a_script_is_never_taken(
        before in prop::collection::vec(prop::sample::select(b"/<>()[]%#\\ \nobjstreamend0123456789".as_slice()), 0..80),
        after in prop::collection::vec(prop::sample::select(b"/<>()[]%#\\ \nobjstreamend0123456789".as_slice()), 0..80),
    ) {
        let acting = [before.as_slice(), b"\nendobj\n9 0 obj\n<</S/JavaScript/JS(x)>>\nendobj\n", &after].concat();
        prop_assert!(refused(&acting).is_some());
    }
}
