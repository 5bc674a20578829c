//! Where everything goes: blocks flow down the page and over to the next. Places are tenths of a point from the top left corner.

use super::{
    Block, Column, Side, Table,
    letters::{self, Run, Weight},
};
use krilla::tagging::{TableHeaderScope, Tag, TagKind};
use std::num::NonZeroU16;

pub const PAGE_WIDTH: i32 = 5_953;
pub const PAGE_HEIGHT: i32 = 8_419;
pub const MARGIN: i32 = 567;
/// What the foot of the page takes of the text's height.
const FOOT: i32 = 250;
const WIDTH: i32 = PAGE_WIDTH - 2 * MARGIN;
const BOTTOM: i32 = PAGE_HEIGHT - MARGIN - FOOT;
/// Between two columns of a table.
const GUTTER: i32 = 80;

/// Sizes of letters.
const TITLE: i32 = 180;
const HEADING: i32 = 130;
pub const BODY: i32 = 100;
const CELL: i32 = 90;

/// Something put on a page. What is `decoration` is not read aloud.
#[derive(Debug)]
pub enum Ink {
    Text { x: i32, y: i32, run: Run, decoration: bool },
    Rule { x: i32, y: i32, width: i32 },
    Squares { x: i32, y: i32, module: i32, rows: Vec<Vec<bool>> },
}

/// The structure that screen readers follow. Leaves are the inks that are no decoration, in order.
#[derive(Debug)]
pub enum Branch {
    Group(TagKind, Vec<Branch>),
    Leaf,
}

#[derive(Debug, Default)]
pub struct Layout {
    pub pages: Vec<Vec<Ink>>,
    pub branches: Vec<Branch>,
    /// Title and headings: their page, from 0, their height on it, their text.
    pub headings: Vec<(usize, i32, String)>,
    y: i32,
}

/// From one line to the next.
const fn leading(size: i32) -> i32 {
    size.saturating_mul(14) / 10
}

pub fn lay_out(title: &str, blocks: &[Block]) -> Layout {
    let mut layout = Layout { pages: vec![vec![]], branches: vec![], headings: vec![], y: MARGIN };
    layout.heading(title, 1, TITLE);
    for block in blocks {
        match block {
            Block::Heading(text) => {
                // A heading does not stay alone at the foot of a page.
                layout.room_for(leading(HEADING).saturating_add(600));
                layout.down(60);
                layout.heading(text, 2, HEADING);
            }
            Block::Paragraph(text) => layout.text(text, Tag::P.into(), Weight::Regular, BODY),
            Block::Table(table) => layout.table(table),
            Block::Code { modules, says, millimetres } => layout.code(modules, says, *millimetres),
        }
    }
    layout
}

impl Layout {
    fn put(&mut self, ink: Ink) {
        if let Some(page) = self.pages.last_mut() {
            page.push(ink);
        }
    }

    fn down(&mut self, by: i32) {
        self.y = self.y.saturating_add(by);
    }

    /// Goes over to a new page when that height is not left. Says whether it did.
    fn room_for(&mut self, height: i32) -> bool {
        let over = self.y.saturating_add(height) > BOTTOM;
        if over {
            self.pages.push(vec![]);
            self.y = MARGIN;
        }
        over
    }

    fn heading(&mut self, text: &str, level: u16, size: i32) {
        let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        self.headings.push((self.pages.len().saturating_sub(1), self.y, text.to_owned()));
        self.text(text, Tag::Hn(level, Some(text.to_owned())).into(), Weight::Bold, size);
    }

    fn text(&mut self, text: &str, tag: TagKind, weight: Weight, size: i32) {
        let mut leaves = vec![];
        for run in letters::wrap(text, weight, size, WIDTH) {
            self.room_for(leading(size));
            let y = self.y.saturating_add(size);
            self.put(Ink::Text { x: MARGIN, y, run, decoration: false });
            leaves.push(Branch::Leaf);
            self.down(leading(size));
        }
        self.down(size / 2);
        self.branches.push(Branch::Group(tag, leaves));
    }

    fn code(&mut self, modules: &[Vec<bool>], says: &str, millimetres: u16) {
        let side = i32::from(millimetres).saturating_mul(7_200).checked_div(254).unwrap_or_default();
        let count = i32::try_from(modules.len()).unwrap_or(i32::MAX);
        let module = side.checked_div(count).unwrap_or_default().max(1);
        let side = module.saturating_mul(count);
        self.room_for(side);
        let y = self.y;
        self.put(Ink::Squares { x: MARGIN, y, module, rows: modules.to_vec() });
        self.branches.push(Branch::Group(Tag::Figure(Some(says.to_owned())).into(), vec![Branch::Leaf]));
        self.down(side.saturating_add(BODY / 2));
    }

    fn table(&mut self, table: &Table) {
        let places = places(&table.columns);
        let titles: Vec<String> = table.columns.iter().map(|column| column.title.clone()).collect();
        let header = Tag::TH(TableHeaderScope::Column);
        self.room_for(leading(CELL).saturating_mul(4));
        let head = self.row(&titles, &places, Weight::Bold, false, &header.into());
        let mut body = vec![];
        let total = table.total.iter().map(|row| (row, Weight::Bold));
        for (row, weight) in table.rows.iter().map(|row| (row, Weight::Regular)).chain(total) {
            let lines = row.iter().zip(&places).map(|(cell, place)| wrap_cell(cell, weight, place).len()).max();
            let height = leading(CELL).saturating_mul(i32::try_from(lines.unwrap_or(1)).unwrap_or(1));
            if self.room_for(height.saturating_add(40)) {
                self.row(&titles, &places, Weight::Bold, true, &Tag::TD.into());
            }
            body.push(self.row(row, &places, weight, false, &Tag::TD.into()));
        }
        let mut parts = vec![Branch::Group(Tag::THead.into(), vec![head])];
        if !body.is_empty() {
            parts.push(Branch::Group(Tag::TBody.into(), body));
        }
        self.branches.push(Branch::Group(Tag::Table.into(), parts));
        self.down(BODY);
    }

    fn row(&mut self, cells: &[String], places: &[Place], weight: Weight, decoration: bool, tag: &TagKind) -> Branch {
        let (top, mut lowest) = (self.y, self.y);
        let mut branches = vec![];
        for (cell, place) in cells.iter().zip(places) {
            let (mut y, mut leaves) = (top, vec![]);
            for run in wrap_cell(cell, weight, place) {
                let x = match place.side {
                    Side::Left => place.x,
                    Side::Right => place.x.saturating_add(place.width).saturating_sub(run.width),
                };
                self.put(Ink::Text { x, y: y.saturating_add(CELL), run, decoration });
                leaves.push(Branch::Leaf);
                y = y.saturating_add(leading(CELL));
            }
            branches.push(Branch::Group(tag.clone(), leaves));
            lowest = lowest.max(y);
        }
        self.y = lowest.saturating_add(12);
        let y = self.y;
        self.put(Ink::Rule { x: MARGIN, y, width: WIDTH });
        self.down(28);
        Branch::Group(Tag::TR.into(), branches)
    }
}

/// A column on the page.
struct Place {
    x: i32,
    width: i32,
    side: Side,
}

fn places(columns: &[Column]) -> Vec<Place> {
    let shares: i32 = columns.iter().map(|column| i32::from(column.share)).sum::<i32>().max(1);
    let gutters = GUTTER.saturating_mul(i32::try_from(columns.len()).unwrap_or(1).saturating_sub(1));
    let free = WIDTH.saturating_sub(gutters);
    let mut x = MARGIN;
    let place = |column: &Column| {
        let width = free.saturating_mul(i32::from(column.share)).checked_div(shares).unwrap_or_default();
        let place = Place { x, width, side: column.side };
        x = x.saturating_add(width).saturating_add(GUTTER);
        place
    };
    columns.iter().map(place).collect()
}

/// A cell without a text still is a cell: screen readers count them.
fn wrap_cell(text: &str, weight: Weight, place: &Place) -> Vec<Run> {
    let text = if text.is_empty() { "\u{a0}" } else { text };
    letters::wrap(text, weight, CELL, place.width)
}
