//! Departments by configuration, each behind its own locks; what must not start does not; a database that goes comes back.

use crate::support::{Api, Family, OwnCluster, PASSWORD, SEASON, Service, siret, superuser_url};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types};
use passplus::{
    admin,
    app::App,
    config::{Config, DEMO_KEY},
    embedded::{Durability, SUPERUSER},
    kernel::{
        actor::Caller,
        crypto::{MasterKey, random_token},
    },
    migrate::{self, Schema},
    serve,
};
use serde_json::json;
use std::{collections::BTreeMap, net::TcpListener, time::Duration};

fn department(code: &str) -> Schema {
    Schema::Department(code.parse().unwrap())
}

fn execute(url: &str, sql: &str) {
    PgConnection::establish(url).unwrap().batch_execute(sql).unwrap();
}

/// The sentence of a refusal.
fn sentence<T>(refused: anyhow::Result<T>) -> String {
    format!("{:#}", refused.err().expect("a refusal"))
}

#[actix_web::test]
async fn a_third_department_needs_configuration_only() {
    let service = Service::start_for(&[("92", "Hauts-de-Seine"), ("78", "Yvelines"), ("35", "Ille-et-Vilaine")]).await;
    let administrator = service.first_administrator("35").await;
    let imported = administrator.import_colleges(include_bytes!("../data/annuaire-35.csv")).await.expect(200);
    // The real file names one collège twice.
    assert_eq!((imported.number("/created"), imported.number("/problems/0/line")), (116, 112), "{}", imported.json);
    let base = "/v1/departments/35";
    administrator.post(&format!("{base}/seasons"), json!({ "season": SEASON })).await.expect(201);
    administrator.post(&format!("{base}/seasons/{SEASON}/publish"), json!({})).await.expect(200);
    let found = service.api.get("/v1/colleges?department=35&name=oise%20elie").await.expect(200);
    let college = found.text("/items/0/uai");
    assert_eq!(found.text("/items/0/name"), "Collège Françoise Elie");

    let email = "secretariat@college-35.example";
    let body = json!({ "email": email, "name": "Sam Petit", "college_uai": college });
    administrator.post(&format!("{base}/staff"), body).await.expect(201);
    let secretary = service.accept_agent(email, "35").await;
    let api = service.sign_up("famille@rennes.example").await;
    let body = json!({ "first_names": "Gwenn", "last_name": "Le Goff" });
    let id = api.post(&format!("{base}/families"), body.clone()).await.expect(201).text("/id");
    let family = Family { api, email: "famille@rennes.example".to_owned(), department: "35".to_owned(), id };
    let child = family.add_child("Maël", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, &college).await;
    let row = json!({ "enrolment_id": enrolment, "version": version, "decision": "confirm" });
    let path = format!("{base}/desk/decisions");
    let decided = secretary.post(&path, json!({ "decisions": [row] })).await.expect(200);
    assert_eq!(decided.text("/results/0/state"), "active", "{}", decided.json);
    assert_eq!((family.balance(&child, "culture").await, family.balance(&child, "sport").await), (6000, 2000));

    // The same login opens a file elsewhere, and nothing of the first shows there.
    let elsewhere = family.post("/v1/departments/92/families", body).await.expect(201).text("/id");
    family.get(&format!("/v1/departments/92/families/{}", family.id)).await.refused(404, "not_found");
    family.get(&format!("/v1/departments/92/children/{child}")).await.refused(404, "not_found");
    family.get(&format!("/v1/departments/35/families/{elsewhere}")).await.refused(404, "not_found");
    administrator.get("/v1/departments/92/staff").await.refused(404, "not_found");
    family.get("/v1/departments/2A/families").await.refused(404, "not_found");
}

#[actix_web::test]
async fn no_role_of_a_department_connects_to_anothers_database() {
    let service = Service::start().await;
    let schemas = [Schema::Directory, department("92"), department("78")];
    for own in schemas {
        for role in [own.app(), own.check(), own.owner()] {
            for other in schemas {
                let url = superuser_url(service.databases.name(other)).replace(SUPERUSER, &role);
                let connected = PgConnection::establish(&url).map_err(|error| error.to_string());
                let denied =
                    if role == own.owner() { "is not permitted to log in" } else { "permission denied for database" };
                match connected {
                    Ok(_) => assert!(own == other && role != own.owner(), "{role} connects to {}", other.stem()),
                    Err(error) => assert!((own != other || role == own.owner()) && error.contains(denied), "{error}"),
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_server_does_not_start_on_a_database_that_could_betray_it() {
    let own = OwnCluster::start();
    let schema = department("92");
    let (root, app) = (own.url(SUPERUSER, "passplus_92"), own.url(&schema.app(), "passplus_92"));
    let refused = |url: &str| sentence(migrate::check(url, schema));
    // Not migrated at all: its role does not even exist.
    assert!(refused(&app).contains("the database does not answer"), "{}", refused(&app));

    let environment = own.environment();
    let read = |name: &str| environment.get(name).cloned();
    let first = admin::migrate_all(&read).unwrap();
    let again = admin::migrate_all(&read).unwrap();
    assert_eq!(
        again,
        ["passplus_directory", "passplus_92"]
            .map(|stem| format!("{stem}: 0 migration(s) applied, roles and grants in place"))
    );
    assert!(first.iter().zip(&again).all(|(one, two)| one != two), "{first:?}");
    serve::check(&Config::read(&read).unwrap()).unwrap();

    let because = refused(&root);
    assert!(because.contains("signs in as the superuser") && because.contains("use passplus_92_app"), "{because}");
    execute(
        &root,
        "create role curious login in role passplus_92_owner; grant connect on database passplus_92 to curious",
    );
    let because = refused(&own.url("curious", "passplus_92"));
    assert!(because.contains("the role curious owns tables"), "{because}");
    for (before, sign, after) in [
        (
            "alter role passplus_92_app bypassrls",
            "bypasses row-level security",
            "alter role passplus_92_app nobypassrls",
        ),
        (
            "alter role passplus_92_app set synchronous_commit = off",
            "synchronous_commit is off: a crash could lose debits",
            "alter role passplus_92_app reset synchronous_commit",
        ),
        (
            "update __diesel_schema_migrations set version = 'x' || version
             where version = (select max(version) from __diesel_schema_migrations)",
            "the schema is behind, 1 migration(s) missing",
            "update __diesel_schema_migrations set version = substr(version, 2) where version like 'x%'",
        ),
        ("drop table __diesel_schema_migrations", "run `passplus migrate`", "select 1"),
    ] {
        execute(&root, before);
        let because = refused(&app);
        assert!(because.starts_with("passplus_92: ") && because.contains(sign), "{because}");
        execute(&root, after);
    }

    // The cluster of these tests gives up durability for speed.
    let service = Service::start().await;
    let because = sentence(serve::check(&service.config));
    assert_eq!(because, "passplus_directory: fsync is off: a crash could lose debits already answered; turn it on");
    let mut nowhere = service.config.departments[0].place.url.replace("passplus_92_app@", "passplus_92_app:geheim@");
    nowhere = nowhere.replace(service.databases.name(schema), "absent");
    let because = refused(&nowhere);
    assert!(because.contains("does not answer") && !because.contains("geheim"), "{because}");
}

#[test]
fn a_configuration_that_must_not_serve_is_refused_by_the_name_of_what_is_wrong() {
    let key = |byte: u8| data_encoding::BASE64URL_NOPAD.encode(&[byte; 32]);
    let right: BTreeMap<&str, String> = [
        ("PASSPLUS_MAIL_FOLDER", "/tmp".to_owned()),
        ("PASSPLUS_DIRECTORY_URL", "postgresql:///d".to_owned()),
        ("PASSPLUS_DIRECTORY_KEY", key(1)),
        ("PASSPLUS_DEPARTMENT_92_URL", "postgresql:///a".to_owned()),
        ("PASSPLUS_DEPARTMENT_92_KEY", key(2)),
        ("PASSPLUS_DEPARTMENT_78_URL", "postgresql:///b".to_owned()),
        ("PASSPLUS_DEPARTMENT_78_KEY", key(3)),
    ]
    .into();
    let read = |change: &[(&str, Option<&str>)]| {
        let mut map = right.clone();
        for (name, value) in change {
            map.remove(name);
            map.extend(value.map(|value| (*name, value.to_owned())));
        }
        Config::read(&|name| map.get(name).cloned())
    };
    read(&[]).unwrap().check().unwrap();
    for name in right.keys() {
        for value in [None, Some("")] {
            if (*name, value) != ("PASSPLUS_MAIL_FOLDER", Some("")) {
                let because = sentence(read(&[(name, value)]));
                assert!(because.contains(name), "{because}");
            }
        }
    }
    let third = [("PASSPLUS_DEPARTMENTS", Some("92, 35"))];
    assert_eq!(sentence(read(&third)), "PASSPLUS_DEPARTMENT_35_NAME is missing");
    for (name, value) in [
        ("PASSPLUS_DEPARTMENTS", "92,92"),
        ("PASSPLUS_DEPARTMENTS", "92,Yvelines"),
        ("PASSPLUS_DIRECTORY_KEY", "court"),
        ("PASSPLUS_DEPARTMENT_78_KEY", "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"),
        ("PASSPLUS_LISTEN", "8080"),
        ("PASSPLUS_METRICS_LISTEN", "localhost"),
        ("PASSPLUS_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("PASSPLUS_SMTP_URL", "smtp://both"),
        ("PASSPLUS_CORS_ORIGINS", "*"),
        ("PASSPLUS_CORS_ORIGINS", "familles.example"),
        ("PASSPLUS_CORS_ORIGINS", "https://familles.example/"),
    ] {
        let because = sentence(read(&[(name, Some(value))]));
        assert!(because.contains(name), "{name}={value}: {because}");
    }
    assert!(!sentence(read(&[("PASSPLUS_DIRECTORY_KEY", Some("geheim"))])).contains("geheim"));
    let origins = [("PASSPLUS_CORS_ORIGINS", Some("https://familles.example, http://localhost:3000"))];
    assert_eq!(read(&origins).unwrap().cors_origins, ["https://familles.example", "http://localhost:3000"]);

    let mut known = read(&[]).unwrap();
    known.departments[1].place.key = MasterKey::new(DEMO_KEY);
    assert!(sentence(known.check()).contains("is the demonstration's"));
    known.demo = true;
    known.check().unwrap();
    let shared = read(&[("PASSPLUS_DEPARTMENT_78_KEY", Some(&key(1)))]).unwrap();
    assert!(sentence(shared.check()).contains("two places share one key"));

    // The State is asked by the department that has a token and says for whom, and never in clear.
    let [token, recipient, url] =
        ["TOKEN", "RECIPIENT", "URL"].map(|what| format!("PASSPLUS_DEPARTMENT_92_PARTICULIER_{what}"));
    let (token, recipient, url) = (token.as_str(), recipient.as_str(), url.as_str());
    assert!(read(&[]).unwrap().departments.iter().all(|d| d.particulier.is_none()));
    let siret = siret(1);
    let asks = [(token, Some("secret")), (recipient, Some(siret.as_str()))];
    let config = read(&asks).unwrap();
    let [of_92, of_78] = [0, 1].map(|rank: usize| config.departments[rank].particulier.as_ref());
    assert_eq!(of_92.map(|particulier| particulier.url.as_str()), Some("https://particulier.api.gouv.fr"));
    assert!(of_78.is_none() && !format!("{of_92:?}").contains("secret"));
    assert_eq!(sentence(read(&asks[..1])), format!("{recipient} is missing"));
    for (name, value) in [
        (token, "two words"),
        (recipient, "12345678901234"),
        (url, "http://particulier.api.gouv.fr"),
        (url, "http://127.0.0.1:80@elsewhere.example"),
        (url, "particulier.api.gouv.fr"),
    ] {
        let because = sentence(read(&[asks[0], asks[1], (name, Some(value))]));
        assert!(because.contains(name), "{name}={value}: {because}");
    }
    read(&[asks[0], asks[1], (url, Some("http://127.0.0.1:8788"))]).unwrap();
}

#[actix_web::test]
async fn a_stopped_database_is_said_to_the_callers_and_forgotten_when_it_is_back() {
    let own = OwnCluster::start();
    let mut environment = own.environment();
    admin::migrate_all(&|name| environment.get(name).cloned()).unwrap();
    let config = Config::read(&|name| environment.get(name).cloned()).unwrap();
    let running = serve::start(&config, TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap();
    let api = Api::new(&format!("http://{}", running.address));
    let sign_up = async |email: &str| api.post("/v1/accounts", json!({ "email": email })).await;
    api.get("/health/ready").await.expect(200);
    sign_up("avant@example.fr").await.expect(202);

    own.cluster.stop().unwrap();
    let sign_in = json!({ "email": "avant@example.fr", "password": PASSWORD });
    let probe = async {
        let started = std::time::Instant::now();
        (api.get("/health/ready").await, started.elapsed())
    };
    let (live, (ready, patience), refused, sign_in, colleges) = tokio::join!(
        api.get("/health/live"),
        probe,
        sign_up("pendant@example.fr"),
        api.post("/v1/sessions", sign_in),
        api.get("/v1/colleges"),
    );
    live.expect(200);
    // Three seconds for the first database that is silent, not for each.
    assert!(patience < Duration::from_secs(5), "{patience:?}");
    for answer in [ready, refused, sign_in, colleges] {
        let answer = answer.refused(503, "service.unavailable");
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait));
    }

    own.cluster.start(Durability::Durable).unwrap();
    sign_up("apres@example.fr").await.expect(202);
    api.get("/health/ready").await.expect(200);
    api.get("/v1/colleges").await.expect(200);
    running.stop().await.unwrap();

    // The keys of the first start were sealed with the first key.
    environment.insert("PASSPLUS_DIRECTORY_KEY".to_owned(), random_token());
    let config = Config::read(&|name| environment.get(name).cloned()).unwrap();
    let because = sentence(serve::start(&config, TcpListener::bind("127.0.0.1:0").unwrap()).await);
    assert!(because.contains("is the directory's key the right one?"), "{because}");
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = sql_types::Integer)]
    pid: i32,
}

#[actix_web::test]
async fn connections_that_died_in_the_pool_are_replaced_without_a_word() {
    let service = Service::start().await;
    let family = service.sign_up("patiente@example.fr").await;
    let mut operator = PgConnection::establish(&superuser_url("postgres")).unwrap();
    let schemas = [Schema::Directory, department("92"), department("78")];
    let names = schemas.map(|schema| format!("'{}'", service.databases.name(schema))).join(", ");
    let pids = format!("select pid from pg_stat_activity where datname in ({names})");
    let mut backends = || diesel::sql_query(&pids).load::<Backend>(&mut operator).unwrap();
    for _ in 0..3 {
        // Several at once: several connections lie in the pool.
        tokio::join!(family.get("/v1/me"), family.get("/v1/me"), family.get("/v1/me"), family.get("/health/ready"));
        let dying: Vec<i32> = backends().into_iter().map(|backend| backend.pid).collect();
        assert!(dying.len() >= 3);
        execute(&superuser_url("postgres"), &format!("select pg_terminate_backend(pid) from ({pids}) as living"));
        while backends().iter().any(|backend| dying.contains(&backend.pid)) {}
        let body = json!({ "first_names": "Camille", "last_name": "Martin" });
        let (one, two, three, four) = tokio::join!(
            family.get("/v1/me"),
            family.post("/v1/departments/92/families", body),
            family.get("/v1/departments/78/families"),
            family.get("/health/ready"),
        );
        for answer in [one, two, three, four] {
            assert!([200, 201, 409].contains(&answer.status), "{}", answer.json);
        }
    }
}

#[actix_web::test]
async fn a_department_led_to_anothers_database_or_key_is_refused() {
    let service = Service::start().await;
    let (own, other) = (Schema::Department("92".parse().unwrap()), Schema::Department("78".parse().unwrap()));
    let refused = migrate::check(&service.databases.url(other), own).unwrap_err().to_string();
    assert!(refused.contains("this is the database of passplus_78"), "{refused}");

    let mut config = service.config.clone();
    config.departments[0].place.key = MasterKey::new([99; 32]);
    let (app, caller) = (App::new(&config), Caller::system());
    let refused = app.db.write("92".parse().unwrap(), &caller, passplus::cards::ensure_key).await.unwrap_err();
    assert!(refused.to_string().contains("department's key"), "{refused}");
}
