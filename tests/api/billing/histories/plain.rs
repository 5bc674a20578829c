//! What should be, told without a database.

use std::collections::{BTreeMap, BTreeSet};

const WALK_IN: i64 = 700;
/// September to July.
const PARTS: i64 = 11;

/// From a day on: a year's price, or none; and a meal's.
pub type Rate = (String, Option<i64>, i64);
/// The meal of a day, or what the month costs as a part of a year.
pub type Part = Option<String>;
pub type Billed = BTreeMap<Part, i64>;

/// A child's month, or a day of it.
pub type Slot = (usize, &'static str, Part);

/// What a document made of a slot.
pub struct Move {
    pub document: String,
    /// The bill, or the one that a credit note corrects.
    pub bill: String,
    pub is_cancellation: bool,
    pub before: i64,
    pub after: i64,
}

/// What should be, told without a database.
#[derive(Default)]
pub struct Plain {
    pub meals: BTreeMap<(usize, String), &'static str>,
    pub rates: [Vec<Rate>; 2],
    pub locked: BTreeSet<&'static str>,
    /// What is billed of each day of a child's month, credit notes taken off.
    pub billed: BTreeMap<(usize, &'static str), Billed>,
    /// What made it so.
    pub moves: BTreeMap<Slot, Vec<Move>>,
    /// Bills that were taken back.
    pub gone: BTreeSet<String>,
    /// Days of a child that were taken back for good.
    pub over: BTreeSet<Slot>,
    pub paid: i64,
}

impl Plain {
    pub fn rate(&self, child: usize, day: &str) -> &Rate {
        let mut rates: Vec<&Rate> = self.rates[child].iter().filter(|rate| rate.0.as_str() <= day).collect();
        rates.sort_by(|a, b| a.0.cmp(&b.0));
        rates.last().unwrap()
    }

    pub fn due(&self, child: usize, month: &'static str) -> Billed {
        let year = self.rate(child, &format!("{month}-01")).1;
        let meals = self.meals.iter().filter(|((of, day), _)| *of == child && day.starts_with(month));
        let cost = |((_, day), state): (&(usize, String), &&'static str)| match (*state, year) {
            ("walk_in", _) => WALK_IN,
            ("consumed" | "no_show", None) => self.rate(child, day).2,
            ("excused" | "closed", Some(_)) => -self.rate(child, day).2,
            _ => 0,
        };
        let mut due: Billed = meals.map(|meal| (Some(meal.0.1.clone()), cost(meal))).collect();
        due.insert(None, year.map_or(0, |cents| cents / PARTS));
        due
    }

    /// With the part of a year the whole month is over.
    pub fn is_over(&self, child: usize, month: &'static str, part: &Part) -> bool {
        self.over.contains(&(child, month, part.clone())) || self.over.contains(&(child, month, None))
    }

    pub fn now(&self, (child, month, part): &Slot) -> i64 {
        self.billed.get(&(*child, *month)).and_then(|billed| billed.get(part)).copied().unwrap_or(0)
    }

    /// What slots come to when a bill is taken back: nothing when it has nothing left.
    pub fn without(&self, bill: &str) -> Vec<(Slot, i64)> {
        let mut changes = vec![];
        for (slot, moves) in &self.moves {
            let Some(at) = moves.iter().position(|of| of.document == bill) else { continue };
            let (earlier, since) = moves.split_at(at);
            let (is_last, now) = (since.len() == 1, self.now(slot));
            if !is_last && since.iter().any(|of| of.after == 0) {
                continue;
            }
            let mut before = since[0].before;
            let charged = earlier.iter().rfind(|of| !of.is_cancellation && of.before != before && of.after == before);
            if charged.is_some_and(|of| self.gone.contains(&of.bill)) {
                before = 0;
            }
            let keeps_lower = !is_last && now > 0 && before > now;
            if before != now && !keeps_lower {
                changes.push((slot.clone(), before));
            }
        }
        // A month without its part has no credits either.
        for (child, month) in changes
            .iter()
            .filter(|(slot, left)| slot.2.is_none() && *left == 0)
            .map(|(slot, _)| (slot.0, slot.1))
            .collect::<Vec<_>>()
        {
            for (part, now) in &self.billed[&(child, month)] {
                let slot = (child, month, part.clone());
                match changes.iter_mut().find(|(of, _)| *of == slot) {
                    _ if *now >= 0 => {}
                    Some((_, left)) => *left = (*left).max(0),
                    None => changes.push((slot, 0)),
                }
            }
        }
        let total: i64 = changes.iter().map(|(slot, left)| left - self.now(slot)).sum();
        if total > 0 || self.gone.contains(bill) { vec![] } else { changes }
    }

    pub fn balance(&self) -> i64 {
        self.billed.values().flat_map(Billed::values).sum::<i64>() - self.paid
    }

    /// Bills what is locked; whether that is anything.
    pub fn bill(&mut self) -> bool {
        let mut any = false;
        for child in 0..2 {
            for month in self.locked.clone() {
                for (part, due) in self.due(child, month) {
                    if !self.is_over(child, month, &part) {
                        any |= self.billed.entry((child, month)).or_default().insert(part, due).unwrap_or(0) != due;
                    }
                }
            }
        }
        any
    }
}
