//! The turn of the school year: last season's children are carried over, families confirm in one call, collèges speak before or after.

mod opening;
mod revalidation;

use crate::support::{Answer, COLLEGE, Family, Secretary, World};
use serde_json::{Value, json};

pub const NEXT: &str = "2027-2028";
const OPENING: &str = "/v1/departments/92/seasons/2027-2028/opening";
/// The next season is open, the last one is not over.
const JUNE: &str = "2027-06-02T08:00:00Z";

/// The beginning of June, with the next season's rules published.
pub struct June {
    pub world: World,
    pub secretary: Secretary,
}

impl June {
    /// Enrols the children that `before` says in the season that ends, then turns the calendar.
    pub async fn come(before: impl AsyncFnOnce(&World, &Secretary)) -> Self {
        let mut world = World::start().await;
        let mut secretary = world.secretary(COLLEGE).await;
        before(&world, &secretary).await;
        world.advance(JUNE.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now());
        world.wake_administrators().await;
        secretary.api = world.sign_in_staff(&secretary.email, &secretary.totp_secret).await;
        let base = "/v1/departments/92/seasons";
        world.administrator.post(base, json!({ "season": NEXT })).await.expect(201);
        world.administrator.post(&format!("{base}/{NEXT}/publish"), json!({})).await.expect(200);
        Self { world, secretary }
    }

    pub async fn order(&self, children: i64) -> Answer {
        self.world.administrator.post(OPENING, json!({ "expected_children": children })).await
    }

    pub async fn trial(&self) -> Answer {
        self.world.administrator.get(OPENING).await.expect(200)
    }

    /// Opens the season for that many children, by the worker.
    pub async fn open(&self, children: i64) {
        self.order(children).await.expect(201);
        self.world.work_off().await;
        assert_eq!(self.trial().await.text("/order/state"), "done");
    }

    pub async fn sign_in(&self, family: &mut Family) {
        family.api = self.world.sign_in(&family.email).await;
    }

    /// What waits for that family's word.
    pub async fn waiting(&self, family: &Family) -> Vec<Value> {
        let path = family.path(&format!("families/{}/revalidation", family.id));
        family.get(&path).await.expect(200).at("/enrolments").as_array().unwrap().clone()
    }

    pub async fn revalidate(&self, family: &Family, body: Value) -> Answer {
        family.post(&family.path(&format!("families/{}/revalidation", family.id)), body).await
    }
}

/// A child enrolled and confirmed at that level in the season that ends.
pub async fn pupil(family: &Family, secretary: &Secretary, first_names: &str, level: &str) -> String {
    let child = family.add_child(first_names, "2013-05-06").await;
    let body = json!({
        "season": crate::support::SEASON, "college_uai": secretary.college, "level": level, "formula": "sport",
        "declares_scholarship": true,
    });
    let drafted = family.post(&family.path(&format!("children/{child}/enrolments")), body).await.expect(201);
    let path = family.path(&format!("enrolments/{}/submit", drafted.text("/id")));
    let submitted = family.post(&path, json!({ "version": 1 })).await.expect(200);
    secretary.confirm(&submitted.text("/id"), submitted.number("/version")).await;
    child
}

/// A request as it stands, to be confirmed as it is.
pub fn as_it_stands(waiting: &Value) -> Value {
    let e = &waiting["enrolment"];
    json!({
        "enrolment_id": e["id"], "version": e["version"], "college_uai": e["college_uai"], "level": e["level"],
        "formula": e["formula"], "declares_scholarship": e["declares_scholarship"], "ase": e["ase"],
    })
}
