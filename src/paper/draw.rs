//! A layout as a PDF.

use super::{
    PaperError,
    layout::{BODY, Branch, Ink, Layout, MARGIN, PAGE_HEIGHT, PAGE_WIDTH},
    letters::{self, Run, Weight},
};
use krilla::{
    Document, SerializeSettings,
    configure::{Accessibility, ConfigurationBuilder},
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect, Transform},
    metadata::Metadata,
    outline::{Outline, OutlineNode},
    page::PageSettings,
    surface::Surface,
    tagging::{Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TagGroup, TagTree},
};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules that the standard wants around the symbol.
const QUIET_MODULES: usize = 4;
/// A rule is half a point thick.
const RULE: i32 = 5;

/// Rows of modules, `true` for dark, quiet zone included. Level M survives the loss of 15 %: a fold, a stain.
pub fn modules(text: &str) -> Result<Vec<Vec<bool>>, PaperError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| PaperError::CodeTooLong)?;
    let side = code.width().saturating_add(2 * QUIET_MODULES);
    let margin = [false; QUIET_MODULES];
    let colors = code.to_colors();
    let symbol = colors.chunks(code.width()).map(|row| {
        let dark = row.iter().map(|color| *color == Color::Dark);
        margin.into_iter().chain(dark).chain(margin).collect()
    });
    let blank = || std::iter::repeat_n(vec![false; side], QUIET_MODULES);
    Ok(blank().chain(symbol).chain(blank()).collect())
}

/// Every place of a page fits 16 bits, which a float holds exactly.
pub fn exact(tenths: i32) -> f32 {
    f32::from(i16::try_from(tenths).unwrap_or(i16::MAX))
}

pub fn not_written(why: impl std::fmt::Debug) -> PaperError {
    PaperError::NotWritten(format!("{why:?}"))
}

/// A document that screen readers can follow, or an error: PDF/UA-1, in French.
pub fn accessible(title: &str) -> Result<Document, PaperError> {
    let accessible = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1);
    let configuration = accessible.finish().map_err(not_written)?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document
        .set_metadata(Metadata::new().title(title.to_owned()).language("fr".to_owned()).creator("Pass+".to_owned()));
    Ok(document)
}

pub fn pdf(title: &str, layout: Layout) -> Result<Vec<u8>, PaperError> {
    let mut document = accessible(title)?;
    let count = layout.pages.len();
    let mut leaves = vec![];
    for (number, page) in (1_usize..).zip(&layout.pages) {
        // A4, in points.
        let settings = PageSettings::from_wh(595.3, 841.9).ok_or_else(|| not_written("page size"))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        surface.push_transform(&Transform::from_scale(0.1, 0.1));
        for ink in page {
            draw(&mut surface, ink, &mut leaves);
        }
        let foot = letters::set(&format!("{title} – page {number} / {count}"), Weight::Regular, BODY * 8 / 10);
        let x = PAGE_WIDTH.saturating_sub(MARGIN).saturating_sub(foot.width);
        decorate(&mut surface, ArtifactType::Footer, |surface| write(surface, x, PAGE_HEIGHT - MARGIN, &foot));
        surface.pop();
        surface.finish();
        sheet.finish();
    }
    let mut tree = TagTree::new();
    let mut leaves = leaves.into_iter();
    for branch in layout.branches {
        tree.push(node(branch, &mut leaves).ok_or_else(|| not_written("a leaf is missing"))?);
    }
    document.set_tag_tree(tree);
    let mut outline = Outline::new();
    for (page, y, text) in layout.headings {
        let place = Point::from_xy(0.0, exact(y / 10));
        outline.push_child(OutlineNode::new(text, XyzDestination::new(page, place)));
    }
    document.set_outline(outline);
    document.finish().map_err(not_written)
}

fn node(branch: Branch, leaves: &mut impl Iterator<Item = Identifier>) -> Option<Node> {
    Some(match branch {
        Branch::Leaf => leaves.next()?.into(),
        Branch::Group(tag, branches) => {
            let mut group = TagGroup::new(tag);
            for branch in branches {
                group.push(node(branch, leaves)?);
            }
            group.into()
        }
    })
}

pub fn draw(surface: &mut Surface<'_>, ink: &Ink, leaves: &mut Vec<Identifier>) {
    match ink {
        Ink::Text { x, y, run, decoration: true } => {
            decorate(surface, ArtifactType::Other, |surface| write(surface, *x, *y, run));
        }
        Ink::Text { x, y, run, decoration: false } => {
            leaves.push(surface.start_tagged(ContentTag::Span(SpanTag::empty())));
            write(surface, *x, *y, run);
            surface.end_tagged();
        }
        Ink::Rule { x, y, width } => decorate(surface, ArtifactType::Layout, |surface| {
            let mut path = PathBuilder::new();
            rectangle(&mut path, *x, *y, *width, RULE);
            fill(surface, path);
        }),
        Ink::Squares { x, y, module, rows } => {
            leaves.push(surface.start_tagged(ContentTag::Other));
            let mut path = PathBuilder::new();
            let mut top = *y;
            for row in rows {
                let mut left = *x;
                for run in row.chunk_by(|a, b| a == b) {
                    let width = module.saturating_mul(i32::try_from(run.len()).unwrap_or_default());
                    if run.first() == Some(&true) {
                        rectangle(&mut path, left, top, width, *module);
                    }
                    left = left.saturating_add(width);
                }
                top = top.saturating_add(*module);
            }
            fill(surface, path);
            surface.end_tagged();
        }
    }
}

pub fn decorate(surface: &mut Surface<'_>, kind: ArtifactType, draw: impl FnOnce(&mut Surface<'_>)) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
    draw(surface);
    surface.end_tagged();
}

pub fn write(surface: &mut Surface<'_>, x: i32, y: i32, run: &Run) {
    let start = Point::from_xy(exact(x), exact(y));
    surface.draw_glyphs(start, &run.glyphs, run.weight.font(), &run.text, exact(run.size), false);
}

pub fn rectangle(path: &mut PathBuilder, x: i32, y: i32, width: i32, height: i32) {
    if let Some(rect) = Rect::from_xywh(exact(x), exact(y), exact(width), exact(height)) {
        path.push_rect(rect);
    }
}

pub fn fill(surface: &mut Surface<'_>, path: PathBuilder) {
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}
