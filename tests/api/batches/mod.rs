//! Many debits in one statement: the same answers and the same money as one by one; and the same promises when two such statements meet.

mod meetings;

use crate::support::{Books, Scene, Till, call};
use diesel::{PgConnection, connection::SimpleConnection};
use passplus::kernel::time;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use uuid::Uuid;

/// One debit of a batch.
#[derive(Debug, Clone)]
struct Item {
    device: String,
    merchant: String,
    transfer: Uuid,
    key: Uuid,
    fingerprint: u8,
    /// Hexadecimal fingerprint of the card.
    card: String,
    kind: &'static str,
    cents: i64,
    label: &'static str,
    date: &'static str,
}

/// What came of it: reason, replayed, movement, cents, holder.
type Told = (Option<String>, bool, Option<Uuid>, Option<i64>, Option<String>);

impl Item {
    fn single(&self, hold: bool) -> String {
        let Self { device, merchant, transfer, key, fingerprint, card, kind, cents, label, date } = self;
        format!(
            "ledger_debit('{device}', '{merchant}', '{transfer}', '{transfer}', '{key}', '\\x{fingerprint:064x}', '\\x{card}', '{kind}',
                          {cents}, '{label}', '{date}', {hold})"
        )
    }

    /// The call for all of them at once.
    fn combined(items: &[Self]) -> String {
        let column = |sql_type: &str, of: &dyn Fn(&Self) -> String| {
            let values: Vec<String> = items.iter().map(|item| format!("'{}'", of(item))).collect();
            format!("array[{}]::{sql_type}[]", values.join(", "))
        };
        let columns = [
            column("uuid", &|item| item.device.clone()),
            column("uuid", &|item| item.merchant.clone()),
            column("uuid", &|item| item.transfer.to_string()),
            column("uuid", &|item| item.transfer.to_string()),
            column("uuid", &|item| item.key.to_string()),
            column("bytea", &|item| format!("\\x{:064x}", item.fingerprint)),
            column("bytea", &|item| format!("\\x{}", item.card)),
            column("text", &|item| item.kind.to_owned()),
            column("bigint", &|item| item.cents.to_string()),
            column("text", &|item| item.label.to_owned()),
            column("date", &|item| item.date.to_owned()),
        ];
        format!("ledger_debits({})", columns.join(", "))
    }
}

/// A connection on which the ledger acts for its callers, at the clock of the service.
fn lane(scene: &Scene) -> PgConnection {
    let mut conn = scene.world.superuser("92");
    let offset = scene.world.app.db.server_now().signed_duration_since(time::server_now()).num_seconds();
    conn.batch_execute(&format!("set app.kind = 'ledger'; set app.clock_offset = '{offset} seconds'")).unwrap();
    conn
}

fn told(outcome: &Value) -> Told {
    let text = |name: &str| outcome[name].as_str().map(str::to_owned);
    (
        text("reason"),
        outcome["replayed"].as_bool().unwrap(),
        text("transfer_id").map(|id| id.parse().unwrap()),
        outcome["amount_cents"].as_i64(),
        text("holder_first_name"),
    )
}

/// The answers of a batch, and how many of them came from its sweep.
fn make(conn: &mut PgConnection, items: &[Item]) -> Result<(Vec<Told>, usize), String> {
    let answers = call(conn, &Item::combined(items))?;
    let list = |name: &str| answers[name].as_array().cloned().unwrap_or_default();
    let place = |place: &Value| usize::try_from(place.as_i64().unwrap()).unwrap() - 1;
    let mut all = BTreeMap::new();
    for (at, name) in list("done").iter().zip(list("first_names")) {
        let item = &items[place(at)];
        let done = (None, false, Some(item.transfer), Some(item.cents), name.as_str().map(str::to_owned));
        assert_eq!(all.insert(place(at), done), None);
    }
    let swept = all.len();
    // What is left goes through the single step, as the service does.
    for (rank, item) in items.iter().enumerate() {
        if let Entry::Vacant(left) = all.entry(rank) {
            left.insert(told(&call(conn, &item.single(false))?));
        }
    }
    Ok((all.into_values().collect(), swept))
}

/// Balance, held and version of each wallet, by card and kind.
type State = BTreeMap<(String, String), (i64, i64, i64)>;

fn state(conn: &mut PgConnection) -> State {
    let wallets = "(select coalesce(jsonb_agg(jsonb_build_array(encode(k.code_fingerprint, 'hex'), w.kind, w.balance_cents, w.held_cents,
                                                                w.version)), '[]')
                      from wallets w join cards k on k.child_id = w.child_id)";
    let rows: Vec<(String, String, i64, i64, i64)> = serde_json::from_value(call(conn, wallets).unwrap()).unwrap();
    rows.into_iter().map(|(card, kind, balance, held, version)| ((card, kind), (balance, held, version))).collect()
}

fn fingerprint(scene: &Scene, card: &str) -> String {
    let sql = format!("(select encode(code_fingerprint, 'hex') from cards where id = '{card}')");
    call(&mut lane(scene), &sql).unwrap().as_str().unwrap().to_owned()
}

/// Draws batches: few cards, all that can be wrong with a debit, keys used twice within the batch and before it.
struct Draw<'s> {
    tills: [&'s Till; 3],
    cards: Vec<String>,
    dice: fastrand::Rng,
    committed: Vec<Item>,
    /// What most of the batch pays with: who pays with both wallets at once deserves the closer look.
    kind: &'static str,
}

impl Draw<'_> {
    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.dice.u128(..).to_ne_bytes()).into_uuid()
    }

    fn item(&mut self) -> Item {
        let till = self.tills[self.dice.usize(..3)];
        let kind = if self.dice.u8(..8) > 0 { self.kind } else { ["culture", "sport"][self.dice.usize(..2)] };
        let most = if self.dice.u8(..8) == 0 { 4_000 } else { 300 };
        let own = if kind == "culture" { "Spectacle" } else { "Stage" };
        Item {
            device: till.device.clone(),
            merchant: till.merchant.clone(),
            transfer: self.uuid(),
            key: self.uuid(),
            fingerprint: self.dice.u8(..),
            card: self.cards[self.dice.usize(..self.cards.len())].clone(),
            kind,
            cents: self.dice.i64(1..=most),
            label: if self.dice.u8(..6) == 0 { "Fête du collège" } else { own },
            date: if self.dice.u8(..20) == 0 { "2030-01-01" } else { "2026-10-20" },
        }
    }

    fn batch(&mut self) -> Vec<Item> {
        let mut items: Vec<Item> = vec![];
        self.kind = ["culture", "sport"][self.dice.usize(..2)];
        for _ in 0..self.dice.usize(1..=12) {
            let mut item = self.item();
            let before = match self.dice.u8(..10) {
                0 if !items.is_empty() => &items,
                1 if !self.committed.is_empty() => &self.committed,
                _ => &vec![],
            };
            if !before.is_empty() {
                let twin = before[self.dice.usize(..before.len())].clone();
                item = if self.dice.bool() {
                    Item { transfer: item.transfer, ..twin }
                } else {
                    Item { device: twin.device, merchant: twin.merchant, key: twin.key, ..item }
                };
            }
            items.push(item);
        }
        items
    }
}

/// Cards of whose debits the order decides who gets the last cents, or which wallet pays for an activity: there only the bounds are one.
fn contended(items: &[Item], before: &State) -> BTreeSet<String> {
    let mut asked: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut activities: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for item in items {
        *asked.entry((item.card.clone(), item.kind.to_owned())).or_default() += item.cents;
        activities.entry((&item.card, &item.merchant, item.label)).or_default().insert(item.kind);
    }
    let scarce = asked
        .into_iter()
        .filter(|(wallet, cents)| before.get(wallet).is_some_and(|(balance, held, _)| *cents > balance - held));
    let twofold = activities.into_iter().filter(|(_, kinds)| kinds.len() > 1).map(|((card, _, _), _)| card.to_owned());
    scarce.map(|((card, _), _)| card).chain(twofold).collect()
}

/// What holds however the order falls: no wallet gives more than it has, none is refused what is left at the end.
fn within_bounds(items: &[Item], told: &[Told], before: &State, after: &State) {
    for (wallet, (balance, held, _)) in before {
        let of = || items.iter().zip(told).filter(|(item, _)| (&item.card, item.kind) == (&wallet.0, &*wallet.1));
        let taken: i64 = of().filter(|(_, told)| told.0.is_none() && !told.1).map(|(item, _)| item.cents).sum();
        let (left, still_held, _) = after[wallet];
        assert_eq!((left, still_held), (balance - taken, *held));
        assert!(left >= *held);
        for (item, told) in of() {
            if told.0.as_deref() == Some("insufficient_funds") && !told.1 {
                assert!(item.cents > left - held, "{item:?} was refused, and {left} are left");
            }
        }
    }
}

async fn compare(seed: u64) {
    let scene = Scene::set().await;
    let (ana, eva, blocked) = (scene.sibling("Ana").await, scene.sibling("Eva").await, scene.sibling("Ida").await);
    let path = scene.family.path(&format!("cards/{}/block", blocked.card_id));
    scene.family.post(&path, serde_json::json!({ "reason": "lost" })).await.expect(200);
    let (both, culture) = (scene.world.till(&["culture", "sport"]).await, scene.world.till(&["culture"]).await);
    let mut cards: Vec<String> =
        [&scene.pupil, &ana, &eva, &blocked].map(|pupil| fingerprint(&scene, &pupil.card_id)).into();
    // Most cards are good.
    cards.extend_from_within(..3);
    cards.extend_from_within(..3);
    cards.push("00".repeat(32));
    let mut draw = Draw {
        tills: [&scene.till, &both, &culture],
        cards,
        dice: fastrand::Rng::with_seed(seed),
        committed: vec![],
        kind: "culture",
    };
    let mut conn = lane(&scene);
    let (mut swept_in_all, mut reasons) = (0, BTreeSet::new());
    for round in 0..120 {
        match round {
            // A convention ends, and caps come: a day's cap sends everything through the single step.
            60 => conn
                .batch_execute(&format!(
                    "update affiliations set state = 'suspended' where merchant_id = '{}'",
                    both.merchant
                ))
                .unwrap(),
            90 => rule(&mut conn, "debit_max_cents = 2000"),
            110 => rule(&mut conn, "card_day_max_cents = 1500"),
            // Money set aside counts as spent.
            _ if draw.dice.u8(..8) == 0 => drop(call(&mut conn, &draw.item().single(true)).unwrap()),
            _ => {}
        }
        let items = draw.batch();
        conn.batch_execute("begin; savepoint one_by_one").unwrap();
        let before = state(&mut conn);
        let singly: Vec<Told> = items.iter().map(|item| told(&call(&mut conn, &item.single(false)).unwrap())).collect();
        let singly_left = state(&mut conn);
        conn.batch_execute("rollback to one_by_one").unwrap();
        let (together, swept) = make(&mut conn, &items).unwrap();
        let left = state(&mut conn);

        let unequal = contended(&items, &before);
        for ((item, one), other) in items.iter().zip(&singly).zip(&together) {
            assert!(
                unequal.contains(&item.card) || one == other,
                "round {round} of seed {seed}: {item:?}: {one:?} alone, {other:?} together"
            );
            reasons.extend(other.0.clone());
        }
        for (wallet, kept) in &left {
            assert!(
                unequal.contains(&wallet.0) || singly_left[wallet] == *kept,
                "round {round} of seed {seed}: {wallet:?}: {singly_left:?}, {left:?}"
            );
        }
        within_bounds(&items, &together, &before, &left);
        swept_in_all += swept;
        if draw.dice.u8(..3) == 0 {
            conn.batch_execute("commit").unwrap();
            draw.committed.extend(items);
            assert_eq!(Books::read(&scene.world).prove(), Ok(()), "round {round} of seed {seed}");
        } else {
            conn.batch_execute("rollback").unwrap();
        }
    }
    assert!(swept_in_all > 40, "{swept_in_all} went in a sweep in seed {seed}");
    for reason in [
        "above_card_cap",
        "above_debit_cap",
        "activity_date",
        "card_blocked",
        "insufficient_funds",
        "key_reused",
        "not_affiliated",
        "paid_with_other_wallet",
        "unknown_card",
    ] {
        assert!(reasons.contains(reason), "no {reason} in seed {seed}: {reasons:?}");
    }
}

/// What the department allows from now on.
fn rule(conn: &mut PgConnection, cap: &str) {
    let sql = format!(
        "insert into ledger_rules select * from jsonb_populate_record((select r from ledger_rules r order by effective_from desc limit 1),
             jsonb_build_object('id', gen_random_uuid(), 'effective_from', instant()));
         update ledger_rules set {cap} where effective_from = (select max(effective_from) from ledger_rules)"
    );
    conn.batch_execute(&sql).unwrap();
}

#[actix_web::test]
async fn debits_together_answer_and_move_as_debits_one_by_one() {
    let seeds = if std::env::var_os("PASSPLUS_LONG").is_some() { 1..=40 } else { 1..=2 };
    for seed in seeds {
        compare(seed).await;
    }
}
