//! What the State is asked about pupils: put by families, answered in the background, read by those who may, decided by people.

mod contract;
mod faults;

use crate::support::{Agent, Answer, Authorities, COLLEGE, Family, OTHER_COLLEGE, Secretary, Service, World, days};
use diesel::connection::SimpleConnection;
use passplus::{
    app::App,
    config::Config,
    fiscal::{Particulier, checks},
    kernel::actor::Caller,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A department that asks, and its people.
struct Asking {
    world: World,
    authorities: Authorities,
    client: Particulier,
    secretary: Secretary,
    worker: Agent,
    family: Family,
}

impl Asking {
    async fn start() -> Self {
        let authorities = Authorities::start().await;
        let particulier = authorities.config();
        let client = Particulier::new(&particulier).unwrap();
        let departments = [("92", "Hauts-de-Seine"), ("78", "Yvelines")];
        let asks = |config: &mut Config| config.departments[0].particulier = Some(particulier);
        let world = World::of(Service::start_with(&departments, asks).await).await;
        let secretary = world.secretary(COLLEGE).await;
        let worker = world.agent("92", "case_worker").await;
        let family = world.family("92").await;
        Self { world, authorities, client, secretary, worker, family }
    }

    /// A child's request, submitted with its sex.
    async fn submit(&self, first_name: &str, sex: &str) -> String {
        let child = self.family.add_child(first_name, "2014-05-17").await;
        let (id, version) = self.family.draft(&child, COLLEGE).await;
        let body = json!({ "version": version, "civil_sex": sex });
        self.family.post(&self.family.path(&format!("enrolments/{id}/submit")), body).await.expect(200);
        id
    }

    /// Asks what is due and may be asked; says how many questions that was.
    async fn ask(&self) -> usize {
        ask(&self.world.app, &self.client).await
    }

    fn path(&self, enrolment: &str) -> String {
        self.family.path(&format!("enrolments/{enrolment}/schooling"))
    }

    async fn inspect(&self, enrolment: &str) -> Answer {
        self.worker.get(&self.path(enrolment)).await.expect(200)
    }

    async fn in_progress(&self, enrolment: &str) -> bool {
        let shown = self.family.get(&self.family.path(&format!("enrolments/{enrolment}"))).await.expect(200);
        shown.at("/state_check_in_progress").as_bool().unwrap()
    }

    /// Lets time pass; the family and the agent sign in again.
    async fn wait(&mut self, time: chrono::TimeDelta) {
        self.world.advance(time);
        self.family.api = self.world.sign_in(&self.family.email).await;
        self.worker.api = self.world.sign_in_staff(&self.worker.email, &self.worker.totp_secret).await;
    }

    fn execute(&self, sql: &str) {
        self.world.superuser("92").batch_execute(sql).unwrap();
    }

    /// A value of the department's database.
    fn value(&self, sql: &str) -> Value {
        crate::support::call(&mut self.world.superuser("92"), &format!("({sql})")).unwrap()
    }
}

async fn ask(app: &App, client: &Particulier) -> usize {
    let mut asked = 0;
    loop {
        match checks::ask_next(&app.db, "92".parse().unwrap(), client).await.unwrap() {
            checks::Step::Asked => asked += 1,
            checks::Step::Rest(time) if time < Duration::from_millis(500) => tokio::time::sleep(time).await,
            checks::Step::Rest(_) => return asked,
        }
    }
}

#[actix_web::test]
async fn a_scholarship_told_by_the_state_is_a_suggestion_that_an_agent_takes_up() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    assert!(scene.in_progress(&enrolment).await);
    let shown = scene.inspect(&enrolment).await;
    assert_eq!((shown.text("/state"), shown.json.get("is_scholar")), ("queued".to_owned(), None));
    assert_eq!(scene.ask().await, 1);
    let shown = scene.inspect(&enrolment).await;
    assert_eq!(shown.text("/state"), "suggested");
    assert_eq!((shown.at("/is_scholar"), shown.number("/echelon")), (&json!(true), 2));
    assert_eq!((shown.at("/is_pupil_of_college"), shown.text("/college_uai")), (&json!(true), COLLEGE.to_owned()));
    assert_eq!(shown.text("/source"), "api_particulier");
    assert!(shown.text("/answered_at").starts_with("2026-10-15"));
    assert!(!scene.in_progress(&enrolment).await);
    // Nothing happens by itself: no decision, no money.
    let accept = format!("{}/accept", scene.path(&enrolment));
    let version = shown.number("/version");
    scene.worker.post(&accept, json!({ "version": version })).await.refused(409, "enrolment.transition");
    scene.secretary.confirm(&enrolment, version).await;
    let file = scene.family.get(&scene.family.path(&format!("enrolments/{enrolment}"))).await.expect(200);
    let child = file.text("/enrolment/child_id");
    assert_eq!(scene.family.balance(&child, "culture").await, 6_000);
    let version = file.number("/enrolment/version");
    scene.worker.post(&accept, json!({ "version": version })).await.expect(200);
    assert_eq!(scene.family.balance(&child, "culture").await, 7_000);
    scene.worker.post(&accept, json!({ "version": version })).await.refused(409, "enrolment.topped_up");
    let journal = format!("/v1/departments/92/journal?object_id={enrolment}&limit=100");
    let journal = scene.world.administrator.get(&journal).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    for action in ["schooling_asked", "schooling_answered", "schooling_inspected", "topped_up"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
    let line = journal.items().iter().find(|line| line["action"] == "topped_up").unwrap();
    assert_eq!(line["details"], json!({ "evidence": "state_service" }));
    // What it was asked with is gone, and the trace holds no data.
    assert_eq!(scene.value("select civil_sex from schooling_checks"), Value::Null);
    let trace = scene.value("select jsonb_agg(to_jsonb(c) - 'id' - 'at' - 'duration_ms') from authority_calls c");
    let expected = json!([{ "authority": "api_particulier", "operation": "schooling", "enrolment_id": enrolment, "request_id": null,
                            "outcome": "found", "error_code": null }]);
    assert_eq!(trace, expected);
}

#[actix_web::test]
async fn a_no_is_no_proof_and_grants_nothing() {
    let scene = Asking::start().await;
    let (basile, dan) = (scene.submit("Basile", "M").await, scene.submit("Dan", "M").await);
    assert_eq!(scene.ask().await, 2);
    let shown = scene.inspect(&basile).await;
    assert_eq!((shown.at("/is_scholar"), shown.json.get("echelon")), (&json!(false), None));
    assert_eq!(shown.json.get("next_try_at"), None);
    let shown = scene.inspect(&dan).await;
    assert_eq!(shown.text("/state"), "not_found");
    assert_eq!((shown.json.get("is_scholar"), shown.json.get("next_try_at")), (None, None));
    for enrolment in [&basile, &dan] {
        let accept = format!("{}/accept", scene.path(enrolment));
        scene.worker.post(&accept, json!({ "version": 2 })).await.refused(409, "schooling.no_scholarship");
    }
}

#[actix_web::test]
async fn before_mid_october_a_no_is_unknown_and_asked_again() {
    let scene = Asking::start().await;
    let (basile, dan) = (scene.submit("Basile", "M").await, scene.submit("Dan", "M").await);
    let ada = scene.submit("Ada", "F").await;
    // The questions of the school year after, whose lists are not made yet.
    scene.execute("update schooling_checks set season = '2027-2028'");
    let told = |scholar: bool, echelon: Value| json!({ "body": { "data": { "est_boursier": scholar, "echelon_bourse": echelon } } });
    scene.authorities.fault(told(false, Value::Null));
    scene.execute(&format!("update schooling_checks set next_try_at = '2100-01-01' where enrolment_id <> '{basile}'"));
    assert_eq!(scene.ask().await, 1);
    scene.authorities.fault(told(true, json!(1)));
    scene.execute(&format!("update schooling_checks set next_try_at = asked_at where enrolment_id = '{ada}'"));
    assert_eq!(scene.ask().await, 1);
    scene.authorities.fault(Value::Null);
    scene.execute(&format!("update schooling_checks set next_try_at = asked_at where enrolment_id = '{dan}'"));
    assert_eq!(scene.ask().await, 1);
    for (enrolment, state) in [(&basile, "suggested"), (&dan, "not_found")] {
        let shown = scene.inspect(enrolment).await;
        assert_eq!((shown.text("/state"), shown.json.get("is_scholar")), (state.to_owned(), None));
        let again = shown.text("/next_try_at");
        assert!(again.as_str() >= "2027-10-14T22:00:00Z" && again.as_str() < "2027-10-15T22:00:01Z", "{again}");
        assert!(!scene.in_progress(enrolment).await, "an answer was given");
    }
    let shown = scene.inspect(&ada).await;
    assert_eq!((shown.at("/is_scholar"), shown.json.get("next_try_at")), (&json!(true), None));
}

#[actix_web::test]
async fn a_secretary_reads_of_the_own_pupils_whether_they_are_known_and_nothing_of_scholarships() {
    let scene = Asking::start().await;
    let (ada, celia) = (scene.submit("Ada", "F").await, scene.submit("Celia", "F").await);
    assert_eq!(scene.ask().await, 2);
    let desk = |id: &str| scene.family.path(&format!("desk/enrolments/{id}/schooling"));
    let shown = scene.secretary.get(&desk(&ada)).await.expect(200);
    assert_eq!(shown.at("/is_pupil_of_college"), &json!(true));
    let keys: Vec<&String> = shown.json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["answered_at", "enrolment_id", "is_pupil_of_college", "source", "state"]);
    let shown = scene.secretary.get(&desk(&celia)).await.expect(200);
    assert_eq!(shown.at("/is_pupil_of_college"), &json!(false));
    let other = scene.world.secretary(OTHER_COLLEGE).await;
    other.get(&desk(&ada)).await.refused(404, "not_found");
    scene.secretary.get(&scene.path(&ada)).await.refused(403, "auth.forbidden");
    scene.family.get(&desk(&ada)).await.refused(403, "auth.forbidden");
    // The database itself shows a secretary no line of it.
    let me = scene.secretary.get("/v1/me").await.text("/account_id");
    let mut conn = scene.world.app_role("92");
    let who = format!("set app.kind = 'secretary'; set app.account = '{me}'; set app.college = '{COLLEGE}'");
    conn.batch_execute(&who).unwrap();
    let mut seen = |table: &str| crate::support::call(&mut conn, &format!("(select count(*) from {table})")).unwrap();
    assert_eq!(
        (seen("schooling_checks"), seen("scholarship_answers"), seen("authority_calls")),
        (json!(2), json!(0), json!(0))
    );
}

#[actix_web::test]
async fn an_agent_asks_again_once_an_hour_and_not_while_a_question_is_under_way() {
    let mut scene = Asking::start().await;
    let child = scene.family.add_child("Ada", "2014-05-17").await;
    let (enrolment, _) = scene.family.draft(&child, COLLEGE).await;
    let sex = json!({ "civil_sex": "F" });
    let path = format!("{}/ask", scene.path(&enrolment));
    scene.worker.post(&path, sex.clone()).await.refused(409, "enrolment.transition");
    let submit = scene.family.path(&format!("enrolments/{enrolment}/submit"));
    scene.family.post(&submit, json!({ "version": 1 })).await.expect(200);
    assert_eq!(scene.inspect(&enrolment).await.json.get("state"), None, "without the sex nothing is asked");
    assert!(!scene.in_progress(&enrolment).await);
    assert_eq!(scene.worker.post(&path, sex.clone()).await.expect(200).text("/state"), "queued");
    scene.worker.post(&path, sex.clone()).await.refused(409, "schooling.already_asked");
    assert_eq!(scene.ask().await, 1);
    scene.worker.post(&path, sex.clone()).await.refused(409, "schooling.already_asked");
    scene.wait(chrono::TimeDelta::minutes(61)).await;
    scene.authorities.fault(json!({ "status": 502, "times": 1 }));
    scene.worker.post(&path, sex.clone()).await.expect(200);
    assert_eq!(scene.ask().await, 1);
    // A new failure takes nothing away from what was told.
    let shown = scene.inspect(&enrolment).await;
    assert_eq!((shown.text("/state"), shown.at("/is_scholar")), ("unavailable".to_owned(), &json!(true)));
    scene.worker.post(&path, sex).await.refused(409, "schooling.already_asked");
    let nonsense = scene.worker.post(&path, json!({ "civil_sex": "X" })).await.refused(422, "request.invalid");
    assert_eq!(nonsense.pointers(), ["/civil_sex"]);
}

#[actix_web::test]
async fn a_department_without_a_token_asks_nothing_and_everything_else_works() {
    let world = World::start().await;
    let (family, worker) = (world.family("92").await, world.agent("92", "case_worker").await);
    let child = family.add_child("Ada", "2014-05-17").await;
    let (id, version) = family.draft(&child, COLLEGE).await;
    let submit = family.path(&format!("enrolments/{id}/submit"));
    family.post(&submit, json!({ "version": version, "civil_sex": "F" })).await.expect(200);
    let kept = crate::support::call(&mut world.superuser("92"), "(select count(*) from schooling_checks)").unwrap();
    assert_eq!(kept, json!(0));
    let path = family.path(&format!("enrolments/{id}/schooling"));
    let ask = worker.post(&format!("{path}/ask"), json!({ "civil_sex": "F" })).await;
    ask.refused(409, "authority.off");
    worker.get(&path).await.expect(200);
}

#[actix_web::test]
async fn a_carried_over_family_may_ask_as_it_revalidates() {
    let scene = Asking::start().await;
    let child = scene.family.add_child("Ada", "2014-05-17").await;
    let (id, version) = scene.family.draft(&child, COLLEGE).await;
    let path = scene.family.path(&format!("families/{}/revalidation", scene.family.id));
    let body = json!({ "consents": [], "children": [{ "enrolment_id": id, "version": version, "college_uai": COLLEGE, "level": "6e",
        "formula": "culture", "declares_scholarship": false, "civil_sex": "F" }] });
    scene.family.post(&path, body).await.expect(200);
    assert_eq!(scene.ask().await, 1);
    assert_eq!(scene.inspect(&id).await.at("/is_scholar"), &json!(true));
}

#[actix_web::test]
async fn answers_are_forgotten_in_august_and_traces_after_three_years() {
    let mut scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    assert_eq!(scene.ask().await, 1);
    let pending = scene.submit("Dan", "M").await;
    let counts = |scene: &Asking| {
        scene.value(
            "select jsonb_build_array((select count(*) from schooling_checks), (select count(*) from scholarship_answers),
                                      (select count(*) from authority_calls))",
        )
    };
    scene.wait(days(289)).await;
    scene.world.repeat(passplus::fiscal::checks::forget).await;
    assert_eq!(counts(&scene), json!([2, 1, 1]), "31 July");
    scene.wait(days(1)).await;
    scene.world.repeat(passplus::fiscal::checks::forget).await;
    assert_eq!(counts(&scene), json!([0, 0, 1]), "1 August");
    assert_eq!(scene.inspect(&enrolment).await.json.get("state"), None);
    assert!(!scene.in_progress(&pending).await);
    assert_eq!(scene.ask().await, 0);
    // Nobody removes a trace before its time, not even the service.
    scene.wait(days(800)).await;
    scene.world.repeat(passplus::fiscal::checks::forget).await;
    assert_eq!(counts(&scene), json!([0, 0, 1]));
    scene.wait(days(7)).await;
    scene.world.repeat(passplus::fiscal::checks::forget).await;
    assert_eq!(counts(&scene), json!([0, 0, 0]));
}

#[actix_web::test]
async fn a_family_puts_no_question_about_another_family() {
    let scene = Asking::start().await;
    let enrolment: passplus::kernel::ids::EnrolmentId = scene.submit("Ada", "F").await.parse().unwrap();
    scene.execute("delete from schooling_checks");
    let other = scene.world.family("92").await;
    let account = other.get("/v1/me").await.text("/account_id").parse().unwrap();
    let actor = passplus::kernel::actor::Actor::Guardian { account };
    let caller = Caller { actor, ..Caller::system() };
    let sex = "F".parse().unwrap();
    let asked =
        scene.world.app.db.write("92".parse().unwrap(), &caller, move |tx| checks::queue(tx, enrolment, sex)).await;
    assert!(asked.is_err(), "{asked:?}");
    assert_eq!(scene.value("select count(*) from schooling_checks"), json!(0));
}
