//! Two guardians of one file read the same bill; the means of whoever asked for the reduced rate are his alone.

use super::{Table, at, explained, sql};
use serde_json::json;

const QUOTIENT: &str = "Prix du repas : 0,0035 × 800,00 € = 2,80 €.";
const ROUNDED: &str = "Arrondi au centime le plus proche : 2,80 €.";

impl Table {
    /// The child's price of September, on the means of whoever has that address.
    fn rate_on_means(&self, email: &str) {
        let told = explained(
            "meal",
            280,
            280,
            &[
                (json!({ "rule": "quotient_rate", "quotient_cents": 80_000, "rate": "0.0035" }), QUOTIENT),
                (json!({ "rule": "rounding" }), ROUNDED),
            ],
        );
        let (child, file) = (&self.child, &self.family.id);
        sql(
            &self.world,
            &format!(
                "with request as (
                     insert into canteen_rate_requests (id, family_id, season, text_version, requested_by, requested_at, way, state, inquiries,
                                                        closed_at, source)
                     values (gen_random_uuid(), '{file}', '2026-2027', '2026-06', (select account_id from guardians where email = '{email}'), now(),
                             'document', 'decided', 0, now(), 'document') returning id),
                 means as (
                     insert into canteen_means (id, person_id, family_id, season, starts_on, source, request_id, means_sealed, decided_by, decided_at)
                     select gen_random_uuid(), '{child}', '{file}', '2026-2027', '2026-09-01', 'document', id, '', gen_random_uuid(), now()
                       from request returning id)
                 insert into canteen_rates (id, person_id, family_id, season, starts_on, means_id, grid_id, cents, unit, meal_cents, explanation, set_at)
                     select time_ordered_id(), '{child}', '{file}', '2026-2027', '2026-09-01', means.id, g.id, 280, 'meal', 280, '{told}',
                            '2026-09-01T08:00:00Z' from means, canteen_grids g where diner = 'pupil' limit 1"
            ),
        );
    }
}

#[actix_web::test]
async fn the_other_guardian_reads_the_price_and_not_the_means() {
    let table = Table::set().await;
    table.rate_on_means(&table.family.email);
    table.meals(&table.child, "consumed", &["2026-09-07", "2026-09-08"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bill = table.bills_of(&table.family.id).await.remove(0);
    let other = table.world.guardian(&table.family, "full").await;
    let bill = at(&format!("bills/{}", bill["id"].as_str().unwrap()));
    let (mine, his) = (table.family.get(&bill).await.expect(200), other.get(&bill).await.expect(200));
    for read in [&mine, &his] {
        assert_eq!((read.number("/lines/0/unit_cents"), read.number("/lines/0/amount_cents")), (280, 560));
    }
    assert_eq!(mine.at("/lines/0/explanation"), &json!([QUOTIENT, ROUNDED]));
    assert_eq!(his.at("/lines/0/explanation"), &json!([ROUNDED]));
    // An agent explains it to whoever asks.
    assert_eq!(table.finance[0].get(&bill).await.expect(200).at("/lines/0/explanation"), &json!([QUOTIENT, ROUNDED]));
    // The enrolment tells as much as the bill.
    let enrolments = format!("/v1/departments/92/children/{}/canteen-enrolments", table.child);
    let (mine, his) = (table.family.get(&enrolments).await.expect(200), other.get(&enrolments).await.expect(200));
    assert!(mine.json.to_string().contains("800,00") && mine.json.to_string().contains("80000"), "{}", mine.json);
    for figure in ["800,00", "80000"] {
        assert_eq!(crate::support::told(&his.json.to_string(), figure), None);
    }
    let rates = his.at("/0/rates").as_array().unwrap();
    assert!(rates.iter().any(|rate| rate["meal_cents"] == 280), "{}", his.json);
}
