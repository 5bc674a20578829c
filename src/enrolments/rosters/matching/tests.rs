use super::{DoubtReason as D, RowOutcome as O, *};
use proptest::prelude::*;

const UAI: &str = "0920001B";
const OTHER: &str = "0920002C";

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn candidate(last: &str, first: &str, birth: &str, uai: &str) -> Candidate {
    Candidate {
        enrolment: EnrolmentId::generate(),
        version: 2,
        state: EnrolmentState::Submitted,
        level: Level::Sixieme,
        uai: uai.parse().expect("an UAI"),
        last_name: last.parse().expect("a name"),
        first_names: first.parse().expect("a name"),
        birth_date: day(birth),
        attested: false,
    }
}

fn pupil(last: &str, first: &str, birth: &str) -> Pupil {
    Pupil {
        line: 2,
        uai: None,
        last_name: last.parse().expect("a name"),
        first_names: first.parse().expect("a name"),
        birth_date: day(birth),
        level: None,
    }
}

fn findings(candidates: &[Candidate], pupils: &[Pupil]) -> Vec<Finding> {
    Known::new(candidates).find_all(pupils, Some(&UAI.parse().expect("an UAI")))
}

/// Outcome, reason and candidates of one row.
fn found(candidates: &[Candidate], pupil: &Pupil) -> (O, Option<D>, Vec<usize>) {
    let Finding { outcome, reason, candidates } = findings(candidates, std::slice::from_ref(pupil)).remove(0);
    (outcome, reason, candidates)
}

#[test]
fn a_pupil_written_otherwise_is_matched() {
    let known = [candidate("Lefèvre-d'Ornano", "Inès, Marie", "2014-05-17", UAI)];
    for (last, first) in [
        ("LEFEVRE D ORNANO", "INES MARIE"),
        ("Lefèvre d’Ornano", "Inès"),
        ("LEFEVRE ORNANO", "Marie Ines"),
        ("lefevre-dornano", "Inès Marie Anne"),
    ] {
        assert_eq!(found(&known, &pupil(last, first, "2014-05-17")), (O::Match, None, vec![0]), "{last} {first}");
    }
}

#[test]
fn what_differs_is_doubtful_and_says_why() {
    let known = [candidate("Martin", "Lou Marie", "2014-05-03", UAI), candidate("Petit", "Noa", "2014-01-01", OTHER)];
    for (last, first, birth, reason) in [
        ("Martim", "Lou", "2014-05-03", D::LastNameSpelling),
        ("Martin", "Lour Marie", "2014-05-03", D::FirstNameSpelling),
        ("Martin", "Marie", "2014-05-03", D::FirstNamesDiffer),
        ("Martin Durand", "Lou", "2014-05-03", D::LastNamePartial),
        ("Lou Marie", "Martin", "2014-05-03", D::NamesSwapped),
        ("Durand", "Lou", "2014-05-03", D::LastNameDiffers),
        ("Martin", "Zoé", "2014-05-03", D::FirstNameDiffers),
        ("Martin", "Lou", "2014-03-05", D::BirthDateSwapped),
        ("Martin", "Lou", "2014-05-04", D::BirthDateDiffers),
    ] {
        let said = found(&known, &pupil(last, first, birth));
        assert_eq!(said, (O::Doubtful, Some(reason), vec![0]), "{last} {first} {birth}");
    }
    assert_eq!(found(&known, &pupil("Petit", "Noa", "2014-01-01")), (O::Doubtful, Some(D::OtherCollege), vec![1]));
    for (last, first, birth) in
        [("Durand", "Zoé", "2014-05-03"), ("Martin", "Zoé", "2014-05-04"), ("Petit", "Lou", "2013-05-03")]
    {
        assert_eq!(found(&known, &pupil(last, first, birth)), (O::None, None, vec![]), "{last} {first} {birth}");
    }
}

#[test]
fn a_level_that_differs_is_a_doubt_only_while_the_family_alone_has_said_it() {
    let mut known = [candidate("Martin", "Lou", "2014-05-03", UAI)];
    let row = Pupil { level: Some(Level::Cinquieme), ..pupil("Martin", "Lou", "2014-05-03") };
    assert_eq!(found(&known, &row), (O::Doubtful, Some(D::LevelDiffers), vec![0]));
    assert_eq!(found(&known, &Pupil { level: Some(Level::Sixieme), ..row.clone() }).0, O::Match);
    known[0].state = EnrolmentState::Active;
    assert_eq!(found(&known, &row).0, O::Match);
    // What the collège has confirmed waits for the family alone.
    known[0].state = EnrolmentState::ToConfirm;
    assert!(known[0].waits());
    known[0].attested = true;
    assert!(!known[0].waits());
    // Nor has it rights yet, which another request would have to give way to.
    let both = [
        candidate("Martin", "Lou", "2014-05-03", UAI),
        Candidate { uai: OTHER.parse().expect("an UAI"), ..known[0].clone() },
    ];
    assert_eq!(found(&both, &pupil("Martin", "Lou", "2014-05-03")).0, O::Match);
}

#[test]
fn twins_and_namesakes_are_told_apart_or_left_to_a_person() {
    let twins = [candidate("Martin", "Lou", "2014-05-03", UAI), candidate("Martin", "Lou-Anne", "2014-05-03", UAI)];
    let rows = [pupil("Martin", "Lou Anne", "2014-05-03"), pupil("Martin", "Lou", "2014-05-03")];
    let said = findings(&twins, &rows);
    assert_eq!(said.iter().map(Finding::matched).collect::<Vec<_>>(), [Some(1), Some(0)]);
    // Only one of the twins asked: the other's row does not take his place.
    let said = findings(&twins[1..], &rows);
    assert_eq!(said[0].matched(), Some(0));
    assert_eq!((said[1].outcome, said[1].reason), (O::Doubtful, Some(D::SameAsAnotherRow)));
    // A twin who asked for nothing is not taken for the other, who is on the list.
    let said = findings(&twins[..1], &[pupil("Martin", "Zoé", "2014-05-03"), rows[1].clone()]);
    assert_eq!(said.iter().map(|f| f.outcome).collect::<Vec<_>>(), [O::None, O::Match]);
    // Two files of one pupil.
    let both = [candidate("Martin", "Lou", "2014-05-03", UAI), candidate("MARTIN", "Lou", "2014-05-03", UAI)];
    assert_eq!(found(&both, &rows[1]), (O::Doubtful, Some(D::SeveralCandidates), vec![0, 1]));
    // A pupil written twice.
    let twice = [rows[1].clone(), pupil("MARTIN", "LOU", "2014-05-03")];
    let said = findings(&twins[..1], &twice);
    assert!(said.iter().all(|f| (f.outcome, f.reason) == (O::Doubtful, Some(D::SameAsAnotherRow))), "{said:?}");
}

#[test]
fn rights_by_another_file_elsewhere_are_a_doubt() {
    let mut known = [candidate("Martin", "Lou", "2014-05-03", UAI), candidate("Martin", "Lou", "2014-05-03", OTHER)];
    known[1].state = EnrolmentState::Active;
    let row = pupil("Martin", "Lou", "2014-05-03");
    assert_eq!(found(&known, &row), (O::Doubtful, Some(D::EnrolledElsewhere), vec![0, 1]));
    known[1].state = EnrolmentState::Submitted;
    assert_eq!(found(&known, &row), (O::Match, None, vec![0]));
}

#[test]
fn a_row_of_another_college_is_never_matched() {
    let known = [candidate("Martin", "Lou", "2014-05-03", UAI)];
    let row = Pupil { uai: OTHER.parse().ok(), ..pupil("Martin", "Lou", "2014-05-03") };
    assert_eq!(found(&known, &row).0, O::Doubtful);
}

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Martin",
        "Martín",
        "Marten",
        "de Martin",
        "Lou",
        "Lou-Anne",
        "Anne Lou",
        "Petit",
        "Le Goff",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    /// Whatever the lists: no request is matched by two rows, a match is of the row's own collège and day, and every doubt has its reason.
    #[test]
    fn no_request_is_matched_twice(
        known in prop::collection::vec((names(), names(), 1_u32..4, any::<bool>()), 0..12),
        rows in prop::collection::vec((names(), names(), 1_u32..4, any::<bool>()), 0..12),
    ) {
        let birth = |d: u32| format!("2014-02-0{d}");
        let uai = |own: bool| if own { UAI } else { OTHER };
        let known: Vec<Candidate> = known.iter().map(|(l, f, d, own)| candidate(l, f, &birth(*d), uai(*own))).collect();
        let rows: Vec<Pupil> = rows.iter()
            .map(|(l, f, d, own)| Pupil { uai: uai(*own).parse().ok(), ..pupil(l, f, &birth(*d)) }).collect();
        let said = findings(&known, &rows);
        prop_assert_eq!(said.len(), rows.len());
        let mut matched = std::collections::BTreeSet::new();
        for (row, finding) in rows.iter().zip(&said) {
            prop_assert_eq!(finding.reason.is_some(), finding.outcome == O::Doubtful);
            prop_assert_eq!(finding.candidates.is_empty(), finding.outcome == O::None);
            if let Some(rank) = finding.matched() {
                prop_assert!(matched.insert(rank));
                prop_assert_eq!(Some(&known[rank].uai), row.uai.as_ref());
                prop_assert_eq!(known[rank].birth_date, row.birth_date);
            }
        }
        prop_assert_eq!(&said, &findings(&known, &rows), "the same lists say the same");
    }

    /// Alone of its name, a pupil is found however his name is written.
    #[test]
    fn a_pupil_alone_is_found(last in "[a-zà-öø-ÿ]{3,10}( [a-z]{2,8})?", first in "[a-zà-öø-ÿ]{3,10}(-[a-z]{2,8})?", upper: bool) {
        let known = [candidate(&last, &first, "2014-02-01", UAI)];
        let write = |text: &str| if upper { text.to_uppercase().replace(' ', "-") } else { text.replace('-', " ") };
        prop_assert_eq!(found(&known, &pupil(&write(&last), &write(&first), "2014-02-01")).0, O::Match);
    }
}
