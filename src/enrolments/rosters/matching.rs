//! Which enrolment each row of a roster speaks of: `match`, `doubtful` with the reason, or `none`. Pure: rows and enrolments in, findings
//! out; no row is matched with an enrolment that another row may mean too.

use super::names::{Folded, Nearness};
use crate::{
    enrolments::state::EnrolmentState,
    kernel::{
        ids::EnrolmentId,
        text::{Name, Uai},
        words::Level,
    },
};
use chrono::{Datelike, NaiveDate};
use std::collections::HashMap;

/// A pupil as the roster names him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// Line of the file; the first is 1.
    pub line: u64,
    /// None: the secretary's own collège.
    pub uai: Option<Uai>,
    pub last_name: Name,
    pub first_names: Name,
    pub birth_date: NaiveDate,
    /// None: not told, or in words of its own.
    pub level: Option<Level>,
}

/// An enrolment of the season that a row may speak of.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Candidate {
    pub enrolment: EnrolmentId,
    pub version: i32,
    pub state: EnrolmentState,
    pub level: Level,
    pub uai: Uai,
    pub last_name: Name,
    pub first_names: Name,
    pub birth_date: NaiveDate,
    /// The collège has confirmed it as it stands; the family has not answered yet.
    pub attested: bool,
}

impl Candidate {
    /// Whether the collège's word is still awaited.
    pub const fn waits(&self) -> bool {
        match self.state {
            EnrolmentState::ToConfirm => !self.attested,
            EnrolmentState::Submitted => true,
            // The last three are no candidates; a state that says nothing to a collège waits for nothing.
            EnrolmentState::Confirmed
            | EnrolmentState::Active
            | EnrolmentState::Suspended
            | EnrolmentState::Draft
            | EnrolmentState::Refused
            | EnrolmentState::Expired => false,
        }
    }

    /// Whether its rights are open, or about to be.
    const fn has_rights(&self) -> bool {
        matches!(self.state, EnrolmentState::Confirmed | EnrolmentState::Active | EnrolmentState::Suspended)
    }
}

text_enum! {
    /// What is said of a row.
    pub enum RowOutcome {
        /// One enrolment, without a doubt.
        Match = "match",
        /// A person has to look: `reason` says at what.
        Doubtful = "doubtful",
        /// No enrolment of this pupil.
        None = "none",
        /// The row itself cannot be read.
        Unreadable = "unreadable",
    }
}

text_enum! {
    /// Why a row is doubtful; the strongest likeness first.
    pub enum DoubtReason {
        LevelDiffers = "level_differs",
        SeveralCandidates = "several_candidates",
        SameAsAnotherRow = "same_as_another_row",
        EnrolledElsewhere = "enrolled_elsewhere",
        FirstNameSpelling = "first_name_spelling",
        LastNameSpelling = "last_name_spelling",
        FirstNamesDiffer = "first_names_differ",
        LastNamePartial = "last_name_partial",
        NamesSwapped = "names_swapped",
        BirthDateSwapped = "birth_date_swapped",
        BirthDateDiffers = "birth_date_differs",
        LastNameDiffers = "last_name_differs",
        OtherCollege = "other_college",
        FirstNameDiffers = "first_name_differs",
    }
}

impl DoubtReason {
    /// What the secretary reads.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::LevelDiffers => "Le niveau du fichier n'est pas celui de la demande.",
            Self::SeveralCandidates => "Plusieurs demandes peuvent être celle de cet élève.",
            Self::SameAsAnotherRow => "Une autre ligne du fichier peut désigner le même élève.",
            Self::EnrolledElsewhere => "Cet élève a déjà ses droits par une autre demande.",
            Self::FirstNameSpelling => "Le prénom diffère d'une lettre.",
            Self::LastNameSpelling => "Le nom diffère d'une lettre.",
            Self::FirstNamesDiffer => "Les prénoms ne se recouvrent qu'en partie.",
            Self::LastNamePartial => "Les noms ne se recouvrent qu'en partie.",
            Self::NamesSwapped => "Le nom et le prénom semblent intervertis.",
            Self::BirthDateSwapped => "Le jour et le mois de naissance semblent intervertis.",
            Self::BirthDateDiffers => "La date de naissance diffère.",
            Self::FirstNameDiffers => "Seuls le nom et la date de naissance sont les mêmes.",
            Self::LastNameDiffers => "Seuls le prénom et la date de naissance sont les mêmes.",
            Self::OtherCollege => "La demande de cet élève est pour un autre collège.",
        }
    }
}

/// What was found of one row; candidates by their rank, the surest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub outcome: RowOutcome,
    pub reason: Option<DoubtReason>,
    pub candidates: Vec<usize>,
}

impl Finding {
    fn doubt(reason: DoubtReason, candidates: Vec<usize>) -> Self {
        Self { outcome: RowOutcome::Doubtful, reason: Some(reason), candidates }
    }

    /// The enrolment of a match.
    pub fn matched(&self) -> Option<usize> {
        (self.outcome == RowOutcome::Match).then(|| self.candidates.first().copied()).flatten()
    }
}

/// How well a candidate of the same day fits.
enum Fit {
    Same,
    Alike,
    Doubt(DoubtReason),
    Not,
}

fn fit(row: &Folded, candidate: &Folded) -> Fit {
    use Nearness as N;
    match (row.last_nearness(candidate), row.first_nearness(candidate)) {
        (N::Same, N::Same) => Fit::Same,
        (N::Same | N::Alike, N::Same | N::Alike) => Fit::Alike,
        (N::Same | N::Alike, N::Misspelt) => Fit::Doubt(DoubtReason::FirstNameSpelling),
        (N::Same | N::Alike, N::Partial) => Fit::Doubt(DoubtReason::FirstNamesDiffer),
        (N::Misspelt, N::Same | N::Alike) => Fit::Doubt(DoubtReason::LastNameSpelling),
        (N::Partial, N::Same | N::Alike) => Fit::Doubt(DoubtReason::LastNamePartial),
        _ if row.is_swapped(candidate) => Fit::Doubt(DoubtReason::NamesSwapped),
        (N::Apart, N::Same | N::Alike) => Fit::Doubt(DoubtReason::LastNameDiffers),
        // `Tom` for `Thomas`; or twins, of whom one made no request.
        (N::Same, N::Apart) => Fit::Doubt(DoubtReason::FirstNameDiffers),
        _ => Fit::Not,
    }
}

fn is_day_for_month(a: NaiveDate, b: NaiveDate) -> bool {
    a.year() == b.year() && a.day() == b.month() && a.month() == b.day()
}

/// The enrolments of a season, ready to be asked.
pub struct Known<'a> {
    candidates: &'a [Candidate],
    folded: Vec<Folded>,
    /// By collège and day of birth, by collège and name, by day of birth and name: ranks in the order of the candidates.
    by_day: HashMap<(&'a Uai, NaiveDate), Vec<usize>>,
    by_name: HashMap<(&'a Uai, String), Vec<usize>>,
    anywhere: HashMap<(NaiveDate, String), Vec<usize>>,
}

impl<'a> Known<'a> {
    pub fn new(candidates: &'a [Candidate]) -> Self {
        let folded = candidates.iter().map(|c| Folded::new(c.last_name.as_str(), c.first_names.as_str())).collect();
        let mut known =
            Self { candidates, folded, by_day: HashMap::new(), by_name: HashMap::new(), anywhere: HashMap::new() };
        for (rank, (candidate, folded)) in candidates.iter().zip(&known.folded).enumerate() {
            let Candidate { uai, birth_date, .. } = candidate;
            known.by_day.entry((uai, *birth_date)).or_default().push(rank);
            known.by_name.entry((uai, folded.bare.clone())).or_default().push(rank);
            known.anywhere.entry((*birth_date, folded.last.clone())).or_default().push(rank);
        }
        known
    }

    fn at(&self, rank: usize) -> Option<(&Candidate, &Folded)> {
        self.candidates.get(rank).zip(self.folded.get(rank))
    }

    /// What each row says, in their order; `own` is the collège of rows that name none.
    pub fn find_all(&self, pupils: &[Pupil], own: Option<&Uai>) -> Vec<Finding> {
        let mut findings = Vec::with_capacity(pupils.len());
        // Who is meant, by which rows, and how surely.
        let mut claims: HashMap<usize, Vec<(usize, bool)>> = HashMap::new();
        for (row, pupil) in pupils.iter().enumerate() {
            let (finding, sure) = self.find(pupil, own);
            if let Some(rank) = finding.matched() {
                claims.entry(rank).or_default().push((row, sure));
            }
            findings.push(finding);
        }
        // Whom another row means by name is no likeness of this one.
        for finding in findings.iter_mut().filter(|finding| finding.reason == Some(DoubtReason::FirstNameDiffers)) {
            finding.candidates.retain(|rank| !claims.contains_key(rank));
            if finding.candidates.is_empty() {
                *finding = Finding { outcome: RowOutcome::None, reason: None, candidates: vec![] };
            }
        }
        for (rank, rows) in claims.into_iter().filter(|(_, rows)| rows.len() > 1) {
            // Of a `Lou` and a `Lou-Anne` born on one day, `Lou-Anne` is the second.
            let one_is_sure = rows.iter().filter(|(_, sure)| *sure).count() == 1;
            for (row, sure) in rows {
                if let Some(finding) = findings.get_mut(row).filter(|_| !(one_is_sure && sure)) {
                    *finding = Finding::doubt(DoubtReason::SameAsAnotherRow, vec![rank]);
                }
            }
        }
        findings
    }

    /// What one row says by itself, and whether its names are the very same.
    fn find(&self, pupil: &Pupil, own: Option<&Uai>) -> (Finding, bool) {
        let row = Folded::new(pupil.last_name.as_str(), pupil.first_names.as_str());
        let Some(uai) = pupil.uai.as_ref().or(own) else { return (self.find_elsewhere(pupil, &row), false) };
        let (mut same, mut alike, mut doubts) = (vec![], vec![], vec![]);
        for &rank in self.by_day.get(&(uai, pupil.birth_date)).into_iter().flatten() {
            match self.folded.get(rank).map_or(Fit::Not, |candidate| fit(&row, candidate)) {
                Fit::Same => same.push(rank),
                Fit::Alike => alike.push(rank),
                Fit::Doubt(reason) => doubts.push((reason, rank)),
                Fit::Not => {}
            }
        }
        let sure = !same.is_empty();
        match if sure { same } else { alike }.as_slice() {
            [] => {}
            [one] => return (self.matched(pupil, &row, *one), sure),
            several => return (Finding::doubt(DoubtReason::SeveralCandidates, several.to_vec()), false),
        }
        if doubts.is_empty() {
            doubts.extend(self.of_another_day(uai, pupil, &row));
        }
        doubts.sort_unstable();
        // Another first name is the weakest likeness: it counts where there is no better one.
        if doubts.first().is_some_and(|(reason, _)| *reason != DoubtReason::FirstNameDiffers) {
            doubts.retain(|(reason, _)| *reason != DoubtReason::FirstNameDiffers);
        }
        let of_doubts = |reason| Finding::doubt(reason, doubts.iter().map(|(_, rank)| *rank).collect());
        let finding = match doubts.first().map(|(reason, _)| *reason) {
            // The same pupil at another collège is likelier than another first name here.
            Some(reason @ DoubtReason::FirstNameDiffers) => {
                let elsewhere = self.find_elsewhere(pupil, &row);
                if elsewhere.outcome == RowOutcome::None { of_doubts(reason) } else { elsewhere }
            }
            Some(reason) => of_doubts(reason),
            None => self.find_elsewhere(pupil, &row),
        };
        (finding, false)
    }

    /// One enrolment fits: whether anything speaks against it.
    fn matched(&self, pupil: &Pupil, row: &Folded, rank: usize) -> Finding {
        let found = Finding { outcome: RowOutcome::Match, reason: None, candidates: vec![rank] };
        let Some((candidate, _)) = self.at(rank).filter(|(candidate, _)| candidate.waits()) else { return found };
        let has_rights = |other: &usize| {
            *other != rank
                && self.at(*other).is_some_and(|(c, folded)| c.has_rights() && matches!(fit(row, folded), Fit::Same))
        };
        let others = self.anywhere.get(&(pupil.birth_date, row.last.clone()));
        if let Some(other) = others.into_iter().flatten().copied().find(has_rights) {
            return Finding::doubt(DoubtReason::EnrolledElsewhere, vec![rank, other]);
        }
        // A family says the level of a request; of one carried over from last season the collège does.
        let declared = candidate.state == EnrolmentState::Submitted;
        if declared && pupil.level.is_some_and(|level| level != candidate.level) {
            return Finding::doubt(DoubtReason::LevelDiffers, vec![rank]);
        }
        found
    }

    fn of_another_day(&self, uai: &Uai, pupil: &Pupil, row: &Folded) -> Vec<(DoubtReason, usize)> {
        let named = self.by_name.get(&(uai, row.bare.clone())).into_iter().flatten();
        let same_names = named.filter_map(|&rank| Some((rank, self.at(rank)?)));
        same_names
            .filter(|(_, (_, folded))| matches!(fit(row, folded), Fit::Same | Fit::Alike))
            .map(|(rank, (candidate, _))| {
                let swapped = is_day_for_month(pupil.birth_date, candidate.birth_date);
                (if swapped { DoubtReason::BirthDateSwapped } else { DoubtReason::BirthDateDiffers }, rank)
            })
            .collect()
    }

    fn find_elsewhere(&self, pupil: &Pupil, row: &Folded) -> Finding {
        let named = self.anywhere.get(&(pupil.birth_date, row.last.clone())).into_iter().flatten().copied();
        let fits = |rank: &usize| self.folded.get(*rank).is_some_and(|c| matches!(fit(row, c), Fit::Same | Fit::Alike));
        let found: Vec<usize> = named.filter(fits).collect();
        if found.is_empty() {
            return Finding { outcome: RowOutcome::None, reason: None, candidates: found };
        }
        Finding::doubt(DoubtReason::OtherCollege, found)
    }
}

#[cfg(test)]
mod tests;
