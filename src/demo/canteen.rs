//! A month of the canteen on a second service beside the first, with databases of its own and a clock that the demonstration moves: from
//! the enrolment to the bill takes five weeks. It begins anew at each start.

mod tax_office;

use super::{
    client::Client,
    databases, load,
    people::Person,
    tour::canteen::{Household, play},
};
use crate::{
    app::App,
    config::{Config, ImpotConfig, ImpotResource},
    embedded::Cluster,
    kernel::{text::Sensitive, time::instant_of},
    serve, worker,
};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use std::{fs, net::TcpListener, path::Path};

pub const SEASON: &str = "2026-2027";
/// On which it begins.
pub const FIRST_DAY: &str = "2026-09-21";
pub const COLLEGE: &str = "0920001B";
/// What the databases' names begin with.
const COPY: &str = "canteen_tour_";

/// The canteen at work, and whoever has a part in it.
pub struct Stage {
    pub client: Client,
    pub app: App,
    pub administrators: [Person; 2],
    pub finance: [Person; 2],
    pub secretary: Person,
    pub family: Person,
    pub child: String,
}

impl Stage {
    /// Lets time pass until that day and hour of Paris. Sessions end meanwhile.
    pub fn move_to(&mut self, day: &str, time: &str) -> anyhow::Result<()> {
        self.app.db.advance_clock(instant(day, time)?.signed_duration_since(self.app.db.server_now()));
        let [first, second] = &mut self.administrators;
        let [third, fourth] = &mut self.finance;
        for person in [first, second, third, fourth, &mut self.secretary, &mut self.family] {
            person.token = None;
        }
        Ok(())
    }

    /// What the worker does each minute of itself.
    pub async fn round(&self) {
        worker::do_round(&self.app.db).await;
        worker::do_canteen_round(&self.app.db).await;
    }
}

/// That day and hour of Paris.
fn instant(day: &str, time: &str) -> anyhow::Result<DateTime<Utc>> {
    let (day, time): (NaiveDate, NaiveTime) = (day.parse()?, time.parse()?);
    Ok(instant_of(day, time))
}

/// Sets the stage, plays the steps that follow the given one, and clears away. Returns the number of the last step.
pub async fn run(cluster: &Cluster, data: &Path, step: u32) -> anyhow::Result<u32> {
    println!("\nStarting a second service whose clock moves, for a month of the canteen …");
    let folder = data.join("canteen-tour");
    fs::remove_dir_all(&folder).ok();
    let (tax_url, tax_office) = tax_office::start()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut config = databases::prepare(cluster, COPY, &folder, (address, address))?;
    ask_taxes_at(&mut config, tax_url);
    let app = App::new(&config);
    // Before anything is written: keys sign from the instant on at which they were made.
    app.db.advance_clock(instant(FIRST_DAY, "07:30:00")?.signed_duration_since(app.db.server_now()));
    let running = serve::start_app(app, &config, listener).await?;
    let played = async {
        let mut stage = set(&config, &folder, running.app.clone()).await?;
        let household = Household { tax_number: tax_office::TAX_NUMBER, last_name: tax_office::LAST_NAME };
        play(&mut stage, household, step).await
    }
    .await;
    running.stop().await?;
    tax_office.stop(false).await;
    played
}

fn ask_taxes_at(config: &mut Config, url: String) {
    for department in config.departments.iter_mut().filter(|department| department.code.to_string() == "92") {
        department.impot = Some(ImpotConfig {
            url: url.clone(),
            client_id: "demonstration".to_owned(),
            client_secret: Sensitive::new("demonstration".to_owned()),
            teleservice: None,
            resource: ImpotResource::Year,
            mutual_tls: None,
            authority: None,
        });
    }
}

/// A department with its season and its canteen, a family with a confirmed child, and the agents.
async fn set(config: &Config, folder: &Path, app: App) -> anyhow::Result<Stage> {
    let client = Client::new(&config.public_url, folder.join("letters"))?.with_clock_of(app.db.clone());
    let mut administrator = load::administrator(&client, &app, "92").await?;
    load::publish_season(&client, "92", SEASON, &mut administrator).await?;
    load::import_colleges(&client, "92", &mut administrator).await?;
    let mut secretary = load::secretary(&client, "92", COLLEGE, &mut administrator).await?;
    let (mut family, child) =
        load::family(&client, ("92", SEASON), "ines.lefevre@example.fr", "Inès", "Lefèvre", "Sacha").await?;
    load::enrol(&client, SEASON, &child, &mut family, &mut secretary).await?;
    let mut second = load::agent(&client, "administrator", &mut administrator).await?;
    load::open_canteen(&client, SEASON, &mut administrator, &mut second).await?;
    let finance = [
        load::agent(&client, "finance", &mut administrator).await?,
        load::agent(&client, "finance", &mut administrator).await?,
    ];
    let administrators = [administrator, second];
    Ok(Stage { client, app, administrators, finance, secretary, family, child })
}
