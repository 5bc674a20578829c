//! Hostile values in every field of every body and every parameter of every list, from every kind of caller: nothing of it is a failure of
//! ours. The client holds each answer against the description, so an undescribed one fails here too.

use crate::support::{Api, COLLEGE, SEASON, World, description};
use reqwest::Method;
use serde_json::{Value, json};

/// What people, broken programs and attackers put into fields.
fn hostile_values() -> Vec<Value> {
    let long = "é".repeat(20_000);
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("   "),
        json!("nul \u{0} dedans"),
        json!("'; drop table accounts; --"),
        json!("%s%n{}${jndi:x}"),
        json!("<script>alert(1)</script>"),
        json!("\u{202e}txt.exe"),
        json!("👩‍👩‍👧‍👦"),
        json!("2026-13-45"),
        json!("+262142-12-31"),
        json!("9999-12-31"),
        json!("0001-01-01"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!(long),
        json!([]),
        json!({}),
        deep,
    ]
}

fn resolve(schema: &Value) -> &Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolve(description().pointer(reference.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

/// A plausible value of a schema: its example, or the simplest of its type.
fn plausible(schema: &Value) -> Value {
    let schema = resolve(schema);
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    for any in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema[any].as_array() {
            return all.iter().map(plausible).find(|value| !value.is_null()).unwrap_or(Value::Null);
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        return Value::Object(properties.iter().map(|(name, inner)| (name.clone(), plausible(inner))).collect());
    }
    let kind = schema["type"].as_array().map_or(&schema["type"], |all| all.iter().find(|k| *k != "null").unwrap());
    match (kind.as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => json!("0199a8f0-7c3e-7bbd-8000-000000000001"),
        (Some("string"), Some("date")) => json!("2026-10-20"),
        (Some("string"), Some("date-time")) => json!("2026-10-20T08:00:00Z"),
        (Some("string"), _) => json!("texte"),
        (Some("integer" | "number"), _) => json!(1),
        (Some("boolean"), _) => json!(true),
        (Some("array"), _) => json!([plausible(&schema["items"])]),
        _ => json!({}),
    }
}

/// Every copy of `body` with one value, at any depth, replaced by a hostile one.
fn spoiled(body: &Value) -> Vec<Value> {
    let mut pointers = vec![];
    collect(body, String::new(), &mut pointers);
    let mut all = vec![];
    for pointer in pointers {
        for value in hostile_values() {
            let mut copy = body.clone();
            *copy.pointer_mut(&pointer).unwrap() = value;
            all.push(copy);
        }
    }
    all
}

fn collect(value: &Value, pointer: String, into: &mut Vec<String>) {
    if let Some(fields) = value.as_object() {
        for (name, inner) in fields {
            collect(inner, format!("{pointer}/{name}"), into);
        }
    } else if let Some(items) = value.as_array() {
        for (rank, inner) in items.iter().enumerate().take(1) {
            collect(inner, format!("{pointer}/{rank}"), into);
        }
    }
    into.push(pointer);
}

struct Place {
    callers: Vec<Api>,
    ids: Vec<(&'static str, String)>,
}

impl Place {
    /// A path with ids of things that exist, so that the hostile part is reached.
    fn fill(&self, template: &str) -> String {
        let mut path = template.to_owned();
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, "0199a8f0-7c3e-7bbd-8000-000000000001");
        }
        path
    }
}

async fn place(world: &World) -> Place {
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let pupil = world.pupil(&family, &secretary).await;
    let till = world.till(&["culture"]).await;
    let ids = vec![
        ("department", "92".to_owned()),
        ("season", SEASON.to_owned()),
        ("uai", COLLEGE.to_owned()),
        ("family", family.id.clone()),
        ("child", pupil.child),
        ("enrolment", pupil.enrolment),
        ("card", pupil.card_id),
        ("wallet", pupil.culture),
        ("merchant", till.merchant.clone()),
        ("device", till.device.clone()),
    ];
    let callers = vec![
        world.api.clone(),
        family.api.clone(),
        secretary.api.clone(),
        world.administrator.api.clone(),
        till.api.clone(),
    ];
    Place { callers, ids }
}

#[actix_web::test]
async fn no_hostile_body_is_a_failure_of_ours() {
    let world = World::start().await;
    let place = place(&world).await;
    let mut sent = 0;
    for (template, item) in description()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(schema) = operation["requestBody"]["content"].get("application/json").map(|c| &c["schema"]) else {
                continue;
            };
            // What would end the callers' own sessions ends the test's means too.
            if template.starts_with("/v1/sessions") && method == "delete" {
                continue;
            }
            let secured = operation["security"].as_array().is_some_and(|needs| !needs.is_empty());
            let method: Method = method.to_uppercase().parse().unwrap();
            let (path, bodies) = (place.fill(template), spoiled(&plausible(schema)));
            for caller in place.callers.iter().skip(usize::from(secured)).take(if secured { 4 } else { 1 }) {
                // A caller at the wrong door is refused before his body is read: once is enough.
                let first = caller.send(caller.request(method.clone(), &path).json(&bodies[0])).await;
                if matches!(first.status, 401 | 403) && secured {
                    continue;
                }
                for body in &bodies {
                    let request =
                        caller.request(method.clone(), &path).header("Idempotency-Key", crate::support::key());
                    let answer = caller.send(request.json(body)).await;
                    assert!(
                        answer.status < 500 || answer.status == 503,
                        "{method} {path} {body} answered {}",
                        answer.status
                    );
                    sent += 1;
                }
            }
        }
    }
    assert!(sent > 3_000, "only {sent} hostile bodies were sent");
}

#[actix_web::test]
async fn no_hostile_parameter_is_a_failure_of_ours() {
    let world = World::start().await;
    let place = place(&world).await;
    let texts: Vec<String> = hostile_values()
        .into_iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
        .map(|text| text.chars().take(2_000).collect())
        .collect();
    for (template, item) in description()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                for text in &texts {
                    let caller = &place.callers[text.len() % place.callers.len()];
                    let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).take(600).collect();
                    let path = match parameter["in"].as_str() {
                        Some("query") => format!("{}?{name}={escaped}", place.fill(template)),
                        Some("path") => place.fill(&template.replace(&format!("{{{name}}}"), &escaped)),
                        _ => continue,
                    };
                    let answer = caller.send(caller.request(method.clone(), &path)).await;
                    assert!(answer.status < 500, "{method} {template} {name}={text} answered {}", answer.status);
                }
            }
        }
    }
}
