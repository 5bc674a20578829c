//! A history with everything that moves money, and a hand that changes it behind the ledger's back.

use crate::{
    coverage::rows,
    support::{SEASON, Scene, days, key},
};
use diesel::{PgConnection, connection::SimpleConnection};
use passplus::{
    kernel::time::server_now,
    migrate::Schema,
    proof::verify::{Report, verify},
};
use serde_json::Value;
use uuid::Uuid;

pub struct History {
    pub scene: Scene,
    /// A debit of the culture wallet with others before and after it.
    pub debit: String,
    /// A hold that still stands, and one that was captured.
    pub open_hold: String,
    pub captured_hold: String,
}

/// Where the verifier reads.
pub fn check_url(scene: &Scene) -> String {
    let schema = Schema::Department("92".parse().unwrap());
    let url = scene.world.databases.url(schema);
    url.replacen(&format!("//{}@", schema.app()), &format!("//{}@", schema.check()), 1)
}

/// Calls a function of the ledger for somebody; it must answer as expected (`null`: done).
fn call(scene: &Scene, actor: &str, function: &str, expected: &Value) {
    let mut conn = scene.world.superuser("92");
    let offset = (scene.world.app.db.server_now() - server_now()).num_seconds();
    conn.batch_execute(&format!("begin; set local app.clock_offset = '{offset} seconds'; {actor}")).unwrap();
    let told = rows(&mut conn, &format!("select {function} as told")).remove(0);
    assert_eq!(&told["told"], expected, "{function}");
    conn.batch_execute("commit").unwrap();
}

impl History {
    pub async fn play() -> Self {
        let mut scene = Scene::set().await;
        scene.sibling("Ana").await;
        let device = format!(
            "set local app.kind = 'device'; set local app.device = '{}'; set local app.merchant = '{}'",
            scene.till.device, scene.till.merchant
        );
        let agent = format!("set local app.kind = 'agent'; set local app.account = '{}'", key());
        let done = Value::Null;

        let first = scene.debit("culture", 1_000).await.expect(201).text("/id");
        let debit = scene.debit("culture", 600).await.expect(201).text("/id");
        scene.debit("culture", 450).await.expect(201);
        scene.refund(&first, 250).await.expect(201);
        // Three holds: captured in part, let go, left.
        let holds = [key(), key(), key()];
        for hold in &holds {
            let asked = format!(
                "(ledger_debit('{}', '{}', '{}', '{hold}', '{}', sha256('{hold}'), (select code_fingerprint from cards where id = '{}'),
                    'sport', 500, 'Judo', today(), true)).reason",
                scene.till.device, scene.till.merchant, key(), key(), scene.pupil.card_id
            );
            call(&scene, &device, &asked, &done);
        }
        let capture = format!(
            "(ledger_capture('{}', '{}', '{}', sha256('capture'), '{}', null, 350, null, null)).reason",
            key(),
            key(),
            key(),
            holds[0]
        );
        call(&scene, &device, &capture, &done);
        call(&scene, &device, &format!("ledger_release('{}', '{}')", key(), holds[1]), &done);
        // Undone by the till, then by an agent.
        let voided = key();
        let body = crate::support::debit(&scene.pupil.card_code, "culture", 120);
        scene.till.post_keyed("/v1/debits", &voided, body).await.expect(201);
        call(&scene, &device, &format!("ledger_void('{}', '{}', '{voided}')", key(), key()), &"debit".into());
        let reverse = |target: &str, cents: i64| {
            format!(
                "(ledger_reverse('{}', '{}', '{}', sha256('{target}'), '{target}', {cents}, 'Activité annulée')).reason",
                key(),
                key(),
                key()
            )
        };
        call(&scene, &agent, &reverse(&debit, 200), &done);
        // The season ends: what is left is lost, and what comes back later too, unless the loss was the mistake.
        scene.wait(days(300)).await;
        let mut conn = scene.world.superuser("92");
        let sweep = format!("(ledger_sweep('{}', '{SEASON}', 100)).wallets_swept", key());
        call(&scene, "set local app.kind = 'system'", &sweep, &4.into());
        call(&scene, &agent, &reverse(&first, 100), &done);
        let lost = "select id from transfers where kind = 'expiry' order by amount_cents desc limit 1";
        let lost = rows(&mut conn, lost)[0]["id"].as_str().unwrap().to_owned();
        call(&scene, &agent, &reverse(&lost, 30), &done);
        let [captured_hold, _, open_hold] = holds;
        Self { scene, debit, open_hold, captured_hold }
    }

    /// What the role `check` finds.
    pub fn verify(&self) -> Report {
        verify(&check_url(&self.scene), None, false).unwrap()
    }

    /// As an administrator does who owns the database: no rule of the tables holds him.
    pub fn tamper(&self, sql: &str) {
        self.without_rules().batch_execute(sql).unwrap();
    }

    pub fn without_rules(&self) -> PgConnection {
        let mut conn = self.scene.world.superuser("92");
        conn.batch_execute("set session_replication_role = replica").unwrap();
        conn.batch_execute(
            "do $$ declare c record; begin
                 for c in select conrelid::regclass as t, conname from pg_constraint
                           where conrelid in ('wallets'::regclass, 'transfers'::regclass, 'holds'::regclass) and contype in ('c', 'u', 'p')
                           order by contype loop
                     execute format('alter table %s drop constraint %I cascade', c.t, c.conname);
                 end loop;
                 for c in select indexrelid::regclass as t from pg_index
                           where indrelid in ('transfers'::regclass, 'holds'::regclass, 'wallets'::regclass) and indisunique loop
                     execute format('drop index %s', c.t);
                 end loop;
             end $$",
        )
        .unwrap();
        conn
    }

    /// Keeps the ledger as it is now, to come back to it.
    pub fn keep(&self) {
        let sql = ["wallets", "transfers", "holds"]
            .map(|t| format!("create schema if not exists kept; create table kept.{t} as table {t};"));
        self.without_rules().batch_execute(&sql.concat()).unwrap();
    }

    pub fn put_back(conn: &mut PgConnection) {
        let sql = ["wallets", "transfers", "holds"]
            .map(|t| format!("delete from {t}; insert into {t} select * from kept.{t};"));
        conn.batch_execute(&format!("begin; {} commit", sql.concat())).unwrap();
    }

    /// The row that is named first.
    pub fn first(&self) -> (&'static str, &'static str, Option<Uuid>) {
        let report = self.verify();
        let first = report.violations.first().unwrap_or_else(|| panic!("nothing was found"));
        (first.check, first.row.table, first.row.id)
    }
}
