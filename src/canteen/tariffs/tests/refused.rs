//! What keeps a grid from being published, and where it says so.

use super::*;

fn bands(grid: &mut Grid) -> &mut Vec<QuotientBand> {
    match &mut grid.base {
        Base::QuotientBands { bands } => bands,
        _ => unreachable!("a grid of bands"),
    }
}

#[test]
fn every_fault_of_a_grid_is_told_with_its_place() {
    let after = |change: fn(&mut Grid)| {
        let mut grid = val_de_marne();
        change(&mut grid);
        pointers(&grid)
    };
    let cents = Cents::new;
    assert_eq!(after(|_| ()), [""; 0]);
    assert_eq!(after(|g| bands(g).retain(|band| band.from_cents.get() != 84_001)), ["/base/bands/2/from_cents"]);
    assert_eq!(after(|g| bands(g).retain(|band| band.from_cents.get() != 0)), ["/base/bands/0/from_cents"]);
    assert_eq!(after(|g| bands(g).truncate(6)), ["/base/bands/5/until_cents"]);
    assert_eq!(after(|g| bands(g).clear()), ["/base/bands"]);
    assert_eq!(after(|g| bands(g)[0].from_cents = Cents::new(-1)), ["/base/bands/0/from_cents"]);
    assert_eq!(after(|g| bands(g)[3].from_cents = Cents::new(108_000)), ["/base/bands/3/from_cents"]);
    assert_eq!(after(|g| bands(g)[3].until_cents = None), ["/base/bands/4/from_cents"]);
    assert_eq!(
        after(|g| bands(g)[1].until_cents = Some(Cents::new(60_000))),
        ["/base/bands/1/until_cents", "/base/bands/2/from_cents"]
    );
    assert_eq!(after(|g| bands(g)[1].price_cents = Cents::new(-155)), ["/base/bands/1/price_cents"; 2]);
    assert_eq!(after(|g| bands(g)[4].price_cents = Cents::new(259)), ["/base/bands/4/price_cents"]);
    assert_eq!(after(|g| g.quotient_from = QuotientFrom::FamilyBenefits), [""; 0]);
    let fixed = Base::Fixed { price_cents: cents(480) };
    let fixed = Grid { base: fixed, maximum_cents: None, quotient_from: QuotientFrom::FamilyBenefits, ..pupils() };
    assert_eq!(pointers(&fixed), ["/quotient_from"]);
    let first = bands(&mut val_de_marne())[0];
    let many = with_base(Base::QuotientBands { bands: vec![first; 51] }, 595);
    assert_eq!(pointers(&many), ["/base/bands"]);
    assert_eq!(after(|g| g.maximum_cents = None), ["/maximum_cents"]);
    assert_eq!(after(|g| g.maximum_cents = Some(Cents::new(594))), ["/maximum_cents"]);
    assert_eq!(after(|g| g.walk_in_cents = Cents::new(10_001)), ["/walk_in_cents"]);
    assert_eq!(after(|g| g.own_meal = Some(OwnMeal::Fixed { price_cents: Cents::new(-1) })), ["/own_meal/price_cents"]);
    assert_eq!(after(|g| g.statuses.push(g.statuses[0].clone())), ["/statuses/1/status"]);
    assert_eq!(after(|g| g.statuses[0].price_cents = Cents::new(596)), ["/statuses/0/price_cents"]);
    assert_eq!(after(|g| g.ends_on = g.starts_on.pred_opt().expect("a day")), ["/ends_on"]);
    assert_eq!(after(|g| g.ends_on = "2227-08-31".parse().expect("a date")), ["/ends_on"]);
    let rate: Rate = "0.0035".to_owned().try_into().expect("a rate");
    let upside_down = Base::QuotientRate { rate, floor_cents: cents(701), cap_cents: cents(700) };
    assert_eq!(pointers(&with_base(upside_down, 700)), ["/base/floor_cents"]);
    let fixed = Base::Fixed { price_cents: cents(480) };
    assert_eq!(pointers(&Grid { maximum_cents: Some(cents(500)), ..with_base(fixed, 0) }), ["/maximum_cents"]);
    assert_eq!(pointers(&with_base(Base::PayIndexBands { bands: vec![] }, 480)), ["/base/kind", "/base/bands"]);
}

#[test]
fn each_sort_of_diners_is_priced_by_what_is_known_of_it() {
    let rate: Rate = "0.0035".to_owned().try_into().expect("a rate");
    let (floor_cents, cap_cents) = (Cents::new(64), Cents::new(700));
    let band = PayIndexBand { from_index: 0, until_index: None, price_cents: Cents::new(480) };
    for (base, pupil, commensal, guest) in [
        (Base::QuotientRate { rate, floor_cents, cap_cents }, true, false, false),
        (quotient_bands(&[(0, 115), (60_001, 595)]), true, false, false),
        (Base::PayIndexBands { bands: vec![band] }, false, true, false),
        (Base::Fixed { price_cents: Cents::new(480) }, true, true, true),
    ] {
        for (diner, publishable) in [(Diner::Pupil, pupil), (Diner::Commensal, commensal), (Diner::Guest, guest)] {
            let grid = Grid { diner, ..with_base(base.clone(), 700) };
            let expected: &[&str] = if publishable { &[] } else { &["/base/kind"] };
            assert_eq!(pointers(&grid), expected, "{diner} by {base:?}");
            // One that was published before still has its price.
            assert_eq!(grid.faults(), vec![], "{diner} by {base:?}");
        }
    }
}

#[test]
fn a_forfait_has_one_line_for_each_number_of_days() {
    let lines = |days: &[(u8, u16)]| {
        let line = |(days, days_a_year): &(u8, u16)| ForfaitLine {
            days_a_week: (*days).try_into().expect("days"),
            days_a_year: *days_a_year,
        };
        pointers(&Grid { forfait: Some(days.iter().map(line).collect()), ..pupils() })
    };
    assert_eq!(lines(&[(1, 36), (2, 72), (3, 108), (4, 144), (5, 180)]), [""; 0]);
    assert_eq!(lines(&[(5, 180), (4, 144), (3, 108), (2, 72), (1, 36)]), [""; 0], "in any order");
    assert_eq!(lines(&[(1, 36), (2, 72), (3, 108), (4, 144)]), ["/forfait"]);
    assert_eq!(lines(&[(1, 36), (2, 72), (3, 108), (4, 144), (5, 180), (4, 140)]), ["/forfait/5/days_a_week"]);
    assert_eq!(lines(&[(1, 36), (2, 72), (3, 108), (4, 100), (5, 180)]), ["/forfait/3/days_a_year"]);
    assert_eq!(
        lines(&[(1, 0), (2, 72), (3, 108), (4, 144), (5, 201)]),
        ["/forfait/0/days_a_year", "/forfait/4/days_a_year"]
    );
    assert_eq!(lines(&[]).len(), 5);
}
