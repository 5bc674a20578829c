//! Who passes the door of which operation: all of them, held against the matrix that people review, `tests/authz.txt`.
//!
//! Every request brings a body that cannot be read: whoever is refused was refused before it was looked at.

use super::{Operation, operations, planted_device, planted_till, root};
use crate::support::{Answer, Api, COLLEGE, COLLEGE_78, World};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use passplus::{kernel::ids::RequestId, migrate::Schema};
use std::fmt::Write as _;

/// A column of the matrix.
struct Caller {
    name: String,
    api: Api,
    /// Staff of 78, asking for things of 92: 404 is the door's answer, whatever lies behind.
    elsewhere: bool,
}

async fn callers(world: &World) -> Vec<Caller> {
    let caller = |name: &str, api: &Api, elsewhere| Caller { name: name.to_owned(), api: api.clone(), elsewhere };
    let mut callers = vec![
        caller("anonymous", &world.api, false),
        caller("garbage", &world.api.with_token("eyJhbGciOiJub25lIn0.e30."), false),
        caller("guardian", &world.family("92").await.api, false),
        caller("till", &planted_till(world, "92", 1).await, false),
        caller("gate", &planted_device(world, "92", Some(COLLEGE)).await, false),
        caller("kitchen", &planted_device(world, "92", None).await, false),
        caller("secretary", &world.secretary(COLLEGE).await.api, false),
    ];
    for (department, elsewhere, suffix) in [("92", false, ""), ("78", true, ".78")] {
        for function in ["administrator", "case_worker", "finance", "dpo"] {
            let agent = world.agent(department, function).await;
            callers.push(caller(&format!("{function}{suffix}"), &agent, elsewhere));
        }
    }
    callers.push(caller("secretary.78", &world.secretary(COLLEGE_78).await.api, true));
    callers
}

/// Values of path parameters: the department is real, nothing else exists.
fn random(parameter: &str) -> String {
    match parameter {
        "department" => "92".to_owned(),
        "season" => "2041-2042".to_owned(),
        "uai" => "0929999Z".to_owned(),
        _ => RequestId::generate().to_string(),
    }
}

async fn knock(operation: &Operation, api: &Api) -> Answer {
    let request = api.request(operation.method.parse().unwrap(), &operation.address(random));
    let media = operation.described["requestBody"]["content"].as_object().and_then(|content| content.keys().next());
    match media {
        Some(media) => api.send(request.header("content-type", media).body("{\"")).await,
        None => api.send(request).await,
    }
}

/// How the door answered. Everything that only somebody admitted can be told is `in`.
fn outcome(answer: &Answer, elsewhere: bool) -> &'static str {
    match (answer.status, answer.json["code"].as_str().unwrap_or_default()) {
        (401, "auth.required" | "auth.invalid_token") => "401",
        (403, "auth.forbidden") => "403",
        (404, "not_found") if elsewhere => "404",
        _ => "in",
    }
}

const HEAD: &str = "\
# Who passes the door of each operation, asked of department 92 with ids that do not exist and a body that cannot be read.
#   in   admitted: what follows is for the rules of the domain to decide
#   401  no credential, or none that is valid        403  this role may never do this
#   404  staff of another department: nothing here exists for it
# Columns ending in .78 are staff of department 78. Regenerate: UPDATE_AUTHZ=1 ./test --test api authz, then review each line.
";

#[actix_web::test]
async fn every_operation_admits_exactly_the_callers_of_the_reviewed_matrix() {
    let world = World::start().await;
    let mut directory = PgConnection::establish(&world.superuser_url(Schema::Directory)).unwrap();
    let callers = callers(&world).await;
    let operations = operations();
    let width = operations.iter().map(|operation| operation.name().len()).max().unwrap();
    let mut matrix = format!("{HEAD}{:width$}", "");
    for caller in &callers {
        write!(matrix, "  {}", caller.name).unwrap();
    }
    matrix.push('\n');
    let mut inside = 0_usize;
    for operation in &operations {
        write!(matrix, "{:width$}", operation.name()).unwrap();
        let secured = operation.described["security"].is_array();
        for caller in &callers {
            // Public operations and those of no department have no door for staff of another one.
            let elsewhere = caller.elsewhere && secured && operation.path.contains("{department}");
            let outcome = outcome(&knock(operation, &caller.api).await, elsewhere);
            write!(matrix, "  {outcome:>width$}", width = caller.name.len()).unwrap();
            inside += usize::from(outcome == "in");
            if operation.id().starts_with("sign_out") {
                // Whoever was let in has signed out: the rest of the row needs him again.
                directory.batch_execute("update sessions set ended_at = null, ended_because = null").unwrap();
            }
        }
        matrix.push('\n');
    }
    assert!(inside > operations.len(), "almost nobody passes: the callers are not signed in");
    let path = root().join("tests/authz.txt");
    if std::env::var_os("UPDATE_AUTHZ").is_some() {
        std::fs::write(&path, &matrix).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = |text: &str, other: &str, sign: char| {
        let other: Vec<String> = other.lines().map(str::to_owned).collect();
        let own = text.lines().filter(|line| !other.iter().any(|known| known == line));
        own.map(|line| format!("{sign} {line}")).collect::<Vec<_>>().join("\n")
    };
    assert!(
        reviewed == matrix,
        "the doors are not those of tests/authz.txt (- reviewed, + now); if that is meant, run with UPDATE_AUTHZ=1 and review:\n{}\n{}",
        lines(&reviewed, &matrix, '-'),
        lines(&matrix, &reviewed, '+')
    );
}
