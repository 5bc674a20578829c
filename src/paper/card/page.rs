//! The card as a PDF that screen readers can follow.

use super::{BAND, CardFace, Drawn, HEIGHT, PHOTO, WIDTH, Written};
use crate::paper::{
    PaperError,
    draw::{self, exact, not_written},
    layout::Ink,
};
use krilla::{
    Document,
    color::rgb,
    destination::XyzDestination,
    geom::{PathBuilder, Point, Size, Transform},
    image::Image,
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::Fill,
    surface::Surface,
    tagging::{ArtifactType, ContentTag, Identifier, Node, SpanTag, Tag, TagGroup, TagKind, TagTree},
};
use std::num::NonZeroU16;

const TITLE: &str = "Carte Pass+";

pub fn pdf(face: &CardFace, drawn: Drawn) -> Result<Vec<u8>, PaperError> {
    let mut document: Document = draw::accessible(TITLE)?;
    let settings = PageSettings::from_wh(242.6, 153.0).ok_or_else(|| not_written("page size"))?;
    let mut sheet = document.start_page_with(settings);
    let mut surface = sheet.surface();
    surface.push_transform(&Transform::from_scale(0.1, 0.1));
    draw::decorate(&mut surface, ArtifactType::Layout, |surface| {
        surface.set_fill(Some(paint(0, 51, 128)));
        let mut band = PathBuilder::new();
        draw::rectangle(&mut band, 0, 0, WIDTH, BAND);
        draw::fill(surface, band);
        surface.set_fill(None);
    });
    let mut tree = TagTree::new();
    if let Some(photo) = &face.photo_jpeg {
        let leaf = portrait(&mut surface, photo)?;
        tree.push(group(Tag::Figure(Some(format!("Photo de {}", face.name))).into(), leaf));
    }
    for (rank, Written { x, y, run, white }) in (0_u8..).zip(&drawn.texts) {
        let level = u8::from(*white).saturating_mul(255);
        surface.set_fill(Some(paint(level, level, level)));
        let leaf = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
        draw::write(&mut surface, *x, *y, run);
        surface.end_tagged();
        let tag = if rank == 0 { Tag::Hn(NonZeroU16::MIN, Some(TITLE.to_owned())).into() } else { Tag::P.into() };
        tree.push(group(tag, leaf));
    }
    surface.set_fill(None);
    let mut leaves = vec![];
    let squares = Ink::Squares { x: drawn.code.x, y: drawn.code.y, module: super::MODULE, rows: drawn.modules };
    draw::draw(&mut surface, &squares, &mut leaves);
    let says = "Code QR de la carte : il contient le numéro écrit sur elle".to_owned();
    for leaf in leaves {
        tree.push(group(Tag::Figure(Some(says.clone())).into(), leaf));
    }
    debug_assert!(drawn.code.y.saturating_add(drawn.code.height) <= HEIGHT, "the code stays on the card");
    surface.pop();
    surface.finish();
    sheet.finish();
    document.set_tag_tree(tree);
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(TITLE.to_owned(), XyzDestination::new(0, Point::from_xy(0.0, 0.0))));
    document.set_outline(outline);
    document.finish().map_err(not_written)
}

fn paint(red: u8, green: u8, blue: u8) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn portrait(surface: &mut Surface<'_>, jpeg: &[u8]) -> Result<Identifier, PaperError> {
    let image = Image::from_jpeg(jpeg.to_vec().into(), true).map_err(PaperError::NotWritten)?;
    let size = Size::from_wh(exact(PHOTO.width), exact(PHOTO.height)).ok_or_else(|| not_written("photo size"))?;
    let leaf = surface.start_tagged(ContentTag::Other);
    surface.push_transform(&Transform::from_translate(exact(PHOTO.x), exact(PHOTO.y)));
    surface.draw_image(image, size);
    surface.pop();
    surface.end_tagged();
    Ok(leaf)
}

fn group(tag: TagKind, leaf: Identifier) -> Node {
    let mut group = TagGroup::new(tag);
    group.push(leaf);
    group.into()
}
