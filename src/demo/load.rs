//! Loads the demonstration through the service's own doors.

use super::{
    canteen,
    client::{Body, Client, Request},
    people::{Cast, Device, PASSWORD, Person},
};
use crate::{
    app::App,
    auth::staff::{self, Invitation, Place},
    canteen::{Diner, tariffs::default_grid},
    kernel::{actor::Caller, department::Department, ids::RequestId, time, words::AgentFunction},
    seasons::rules::{SeasonRules, default_rules},
};
use anyhow::Context;
use chrono::Datelike;
use reqwest::Method;
use serde_json::json;

const ANNUAIRE: &[u8] = include_bytes!("annuaire.csv");

/// The school year whose season is open today: it opens in June.
fn season_code(client: &Client) -> String {
    let today = time::paris_date(client.now());
    let first = if today.month() >= 6 { today.year() } else { today.year().saturating_sub(1) };
    format!("{first}-{}", first.saturating_add(1))
}

/// Everything and everybody of the demonstration.
pub async fn load(client: &Client, app: &App) -> anyhow::Result<Cast> {
    let season = season_code(client);
    let mut administrator_92 = administrator(client, app, "92").await?;
    let mut administrator_78 = administrator(client, app, "78").await?;
    for (code, person) in [("92", &mut administrator_92), ("78", &mut administrator_78)] {
        publish_season(client, code, &season, person).await?;
        import_colleges(client, code, person).await?;
    }
    let mut secretary_92 = secretary(client, "92", "0920001B", &mut administrator_92).await?;
    let secretary_78 = secretary(client, "78", "0780001C", &mut administrator_78).await?;
    let theatre = till(client, "Théâtre des Sablons", "90000000100017", "culture", &mut administrator_92).await?;
    let judo = till(client, "Judo-club des Coteaux", "90000000200015", "sport", &mut administrator_92).await?;
    let (mut family_92, lou) =
        family(client, ("92", &season), "camille.martin@example.fr", "Camille", "Martin", "Lou").await?;
    enrol(client, &season, &lou, &mut family_92, &mut secretary_92).await?;
    let mut second_administrator_92 = agent(client, "administrator", &mut administrator_92).await?;
    open_canteen(client, &season, &mut administrator_92, &mut second_administrator_92).await?;
    // Minh's enrolment is left to whoever tries the service.
    let (family_78, _) = family(client, ("78", &season), "thi.nguyen@example.fr", "Thi", "Nguyen", "Minh").await?;
    Ok(Cast {
        season,
        administrator_92,
        second_administrator_92,
        administrator_78,
        secretary_92,
        secretary_78,
        family_92,
        family_78,
        lou,
        theatre,
        judo,
    })
}

/// The first administrator of a department, as an operator invites him.
pub async fn administrator(client: &Client, app: &App, code: &str) -> anyhow::Result<Person> {
    let department: Department = code.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
    let email = format!("administration@departement-{code}.example");
    let invitation = Invitation {
        department,
        email: email.parse().map_err(|reason: String| anyhow::anyhow!(reason))?,
        name: "Dominique Bernard".parse().map_err(|reason: String| anyhow::anyhow!(reason))?,
        place: Place::Agent(AgentFunction::Administrator),
    };
    let url = app.public_url.to_string();
    app.db
        .directory_write(&Caller::system(), move |tx| staff::invite(tx, &invitation, &url))
        .await
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    accept(client, &email, &format!("administrator of department {code}")).await
}

/// Follows the invitation's link.
async fn accept(client: &Client, email: &str, what: &str) -> anyhow::Result<Person> {
    let token = client.link(email).await?;
    let body = json!({ "token": token, "password": PASSWORD });
    let answer = client.expect(201, Request::post("/v1/invitations/accept", body)).await?;
    Ok(Person::new(email, what, Some(answer.text("/secret")?)))
}

pub async fn publish_season(client: &Client, code: &str, season: &str, by: &mut Person) -> anyhow::Result<()> {
    let token = by.sign_in(client).await?;
    let department = code.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
    let season_code = season.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
    let mut rules: SeasonRules = default_rules(department, &season_code);
    // A demonstration may be started on any day of the school year.
    for deadline in &mut rules.deadlines {
        deadline.until = rules.spend_until;
    }
    let base = format!("/v1/departments/{code}/seasons");
    client.expect(201, Request::post(&base, json!({ "season": season, "rules": rules })).by(&token)).await?;
    client.expect(200, Request::post(format!("{base}/{season}/publish"), json!({})).by(&token)).await?;
    Ok(())
}

pub async fn import_colleges(client: &Client, code: &str, by: &mut Person) -> anyhow::Result<()> {
    let request = Request {
        method: Method::POST,
        path: format!("/v1/departments/{code}/colleges/import"),
        token: Some(by.sign_in(client).await?),
        body: Body::Raw("text/csv", ANNUAIRE.to_vec()),
        key: None,
    };
    let answer = client.expect(200, request).await?;
    anyhow::ensure!(answer.number("/created")? == 3, "three collèges of {code} are expected: {}", answer.json);
    Ok(())
}

pub async fn secretary(client: &Client, code: &str, college: &str, by: &mut Person) -> anyhow::Result<Person> {
    let email = format!("secretariat.{}@college.example", college.to_lowercase());
    let token = by.sign_in(client).await?;
    let body = json!({ "email": email, "name": "Alix Moreau", "college_uai": college });
    client.expect(201, Request::post(format!("/v1/departments/{code}/staff"), body).by(&token)).await?;
    accept(client, &email, &format!("secretary of collège {college} ({code})")).await
}

/// School holidays of zone C, first and last day without school: those of the season of the canteen's tour. Each year has its own.
const SCHOOL_HOLIDAYS: [(&str, &str, &str); 4] = [
    ("Vacances de la Toussaint", "2026-10-17", "2026-11-01"),
    ("Vacances de Noël", "2026-12-19", "2027-01-03"),
    ("Vacances d'hiver", "2027-02-06", "2027-02-21"),
    ("Vacances de printemps", "2027-04-03", "2027-04-18"),
];

/// The department's data: it has a canteen, at one collège; what a meal costs and when it is served, each written by one administrator and
/// published by another. The calendar knows the public holidays that have a date.
pub async fn open_canteen(
    client: &Client,
    season: &str,
    first: &mut Person,
    second: &mut Person,
) -> anyhow::Result<()> {
    let (first, second) = (first.sign_in(client).await?, second.sign_in(client).await?);
    let (year, next) = season.split_once('-').context("a season has two years")?;
    let starts_on = format!("{year}-09-01");
    let base = "/v1/departments/92/canteen";
    client.expect(201, Request::post(format!("{base}/services"), json!({ "starts_on": starts_on })).by(&first)).await?;
    let scope = json!({ "uais": ["0920001B"], "starts_on": starts_on });
    client.expect(201, Request::post(format!("{base}/colleges"), scope).by(&first)).await?;
    for diner in [Diner::Pupil, Diner::Commensal, Diner::Guest] {
        let draft = json!({ "grid": default_grid(diner, starts_on.parse()?) });
        let draft = client.expect(201, Request::post(format!("{base}/grids"), draft).by(&first)).await?;
        let publish = format!("{base}/grids/{}/publish", draft.text("/id")?);
        client.expect(200, Request::post(publish, json!({})).by(&second)).await?;
    }
    let holiday =
        |label: &str, day: String| json!({ "kind": "public_holiday", "label": label, "from": day, "until": day });
    let mut breaks = vec![
        holiday("Armistice de 1918", format!("{year}-11-11")),
        holiday("Noël", format!("{year}-12-25")),
        holiday("Jour de l'an", format!("{next}-01-01")),
        holiday("Fête du travail", format!("{next}-05-01")),
        holiday("Victoire de 1945", format!("{next}-05-08")),
    ];
    // Those that move with Easter.
    let movable = [("Lundi de Pâques", "03-29"), ("Ascension", "05-06"), ("Lundi de Pentecôte", "05-17")];
    breaks.extend(
        movable
            .iter()
            .filter(|_| season == canteen::SEASON)
            .map(|(label, day)| holiday(label, format!("{next}-{day}"))),
    );
    let own = SCHOOL_HOLIDAYS.iter().filter(|_| season == canteen::SEASON);
    breaks.extend(
        own.map(
            |(label, from, until)| json!({ "kind": "school_holiday", "label": label, "from": from, "until": until }),
        ),
    );
    let calendar = json!({
        "first_day": starts_on, "last_day": format!("{next}-07-02"), "served_on": ["monday", "tuesday", "thursday", "friday"],
        "breaks": breaks,
        "weekdays_until": format!("{next}-05-31"), "cut_off": { "days_before": 2, "counting": "jours_ouvres", "at": null },
    });
    let path = format!("{base}/calendars/{season}");
    let draft = client.expect(200, Request::put(format!("{path}/draft"), calendar).by(&first)).await?;
    let version = json!({ "version": draft.number("/version")? });
    client.expect(200, Request::post(format!("{path}/publish"), version).by(&second)).await?;
    Ok(())
}

/// An agent with that function, invited as agents are.
pub async fn agent(client: &Client, function: &str, by: &mut Person) -> anyhow::Result<Person> {
    let email = format!("{function}.{}@departement-92.example", RequestId::generate().uuid().simple());
    let token = by.sign_in(client).await?;
    let body = json!({ "email": email, "name": "Dominique Roux", "function": function });
    client.expect(201, Request::post("/v1/departments/92/staff", body).by(&token)).await?;
    accept(client, &email, &format!("{function} of department 92")).await
}

async fn till(client: &Client, name: &str, siret: &str, wallet: &str, by: &mut Person) -> anyhow::Result<Device> {
    let token = by.sign_in(client).await?;
    let base = "/v1/departments/92/merchants";
    let merchant = client.expect(201, Request::post(base, json!({ "siret": siret, "name": name })).by(&token)).await?;
    let merchant = merchant.text("/id")?;
    let starts_on = time::paris_date(client.now());
    let body = json!({ "wallet_kind": wallet, "starts_on": starts_on });
    client.expect(201, Request::post(format!("{base}/{merchant}/affiliations"), body).by(&token)).await?;
    let body = json!({ "kind": "till", "label": "Caisse 1" });
    let device = client.expect(201, Request::post(format!("{base}/{merchant}/devices"), body).by(&token)).await?;
    Device::enrol(client, &device.text("/enrolment_code")?, &format!("till of {name} ({wallet})"), None).await
}

pub async fn family(
    client: &Client,
    (code, season): (&str, &str),
    email: &str,
    first: &str,
    last: &str,
    child: &str,
) -> anyhow::Result<(Person, String)> {
    client.expect(202, Request::post("/v1/accounts", json!({ "email": email }))).await?;
    let token = client.link(email).await?;
    let body = json!({ "token": token, "password": PASSWORD });
    client.expect(204, Request::post("/v1/accounts/confirm", body)).await?;
    let mut person = Person::new(email, &format!("family {last} ({code})"), None);
    let token = person.sign_in(client).await?;
    let base = format!("/v1/departments/{code}/families");
    let body = json!({ "first_names": first, "last_name": last });
    let family = client.expect(201, Request::post(&base, body).by(&token)).await.context("opening a family file")?;
    let body = json!({ "first_names": child, "last_name": last, "birth_date": birth_date(season), "residence": code });
    let children = format!("{base}/{}/children", family.text("/id")?);
    let child = client.expect(201, Request::post(children, body).by(&token)).await?.text("/id")?;
    Ok((person, child))
}

/// Lets the collège confirm a child of Hauts-de-Seine: wallets and card are there.
pub async fn enrol(
    client: &Client,
    season: &str,
    child: &str,
    family: &mut Person,
    secretary: &mut Person,
) -> anyhow::Result<()> {
    let token = family.sign_in(client).await?;
    let base = "/v1/departments/92";
    let body = json!({ "season": season, "college_uai": "0920001B", "level": "6e", "formula": "culture", "declares_scholarship": false });
    let drafted = Request::post(format!("{base}/children/{child}/enrolments"), body).by(&token);
    let drafted = client.expect(201, drafted).await?;
    let (enrolment, body) = (drafted.text("/id")?, json!({ "version": drafted.number("/version")? }));
    let submitted = Request::post(format!("{base}/enrolments/{enrolment}/submit"), body).by(&token);
    let version = client.expect(200, submitted).await?.number("/version")?;
    let decision = json!({ "enrolment_id": enrolment, "version": version, "decision": "confirm" });
    let decided = Request::post(format!("{base}/desk/decisions"), json!({ "decisions": [decision] }));
    let decided = client.expect(200, decided.by(&secretary.sign_in(client).await?)).await?;
    anyhow::ensure!(decided.text("/results/0/state")? == "active", "Lou is not confirmed: {}", decided.json);
    Ok(())
}

/// Of a pupil in 6e.
pub fn birth_date(season: &str) -> String {
    let year: i32 = season.get(..4).and_then(|year| year.parse().ok()).unwrap_or(2026);
    format!("{}-03-14", year.saturating_sub(11))
}
