//! The description of the API is kept in the repository, and says enough for a stranger to call every operation.

use super::{Operation, operations, root};
use crate::support::description;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_description_in_the_repository_is_the_one_served() {
    let kept = std::fs::read_to_string(root().join("openapi.yaml")).unwrap_or_default();
    let served = passplus::http::openapi::document_yaml().unwrap();
    let pairs = kept.lines().zip(served.lines()).zip(1..);
    let line = pairs.into_iter().find(|((kept, served), _)| kept != served);
    assert!(
        kept == served,
        "openapi.yaml is not what the service serves (first difference: {line:?}); regenerate it: cargo run -- openapi > openapi.yaml"
    );
}

/// Readers of YAML 1.1 take these words, unquoted, for true and false.
#[test]
fn no_name_is_a_boolean_to_older_readers() {
    let is_one = |line: &&str| {
        let line = line.trim_start_matches([' ', '-']);
        let name = line.strip_prefix("name: ").or_else(|| line.strip_suffix(':'));
        name.is_some_and(|name| ["on", "off", "yes", "no", "y", "n"].contains(&name))
    };
    let text = passplus::http::openapi::document_yaml().unwrap();
    assert_eq!(text.lines().filter(is_one).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_operation_is_named_summed_up_and_says_what_it_takes_and_gives() {
    let mut wrong = vec![];
    let mut ids = BTreeSet::new();
    for operation in operations() {
        let name = operation.name();
        if operation.id().is_empty() || !ids.insert(operation.id().to_owned()) {
            wrong.push(format!("{name}: operationId is absent or another's: {:?}", operation.id()));
        }
        if operation.described["summary"].as_str().unwrap_or_default().is_empty() {
            wrong.push(format!("{name}: no summary"));
        }
        if operation.described["tags"].as_array().is_none_or(Vec::is_empty) {
            wrong.push(format!("{name}: no tag"));
        }
        responses(&operation, &mut wrong);
        parameters(&operation, &mut wrong);
        for (media, content) in operation.described["requestBody"]["content"].as_object().into_iter().flatten() {
            if !has_example(content) && !says_itself(&content["schema"]) {
                wrong.push(format!("{name}: its body {media} has no example"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn responses(operation: &Operation, wrong: &mut Vec<String>) {
    let name = operation.name();
    let responses = operation.described["responses"].as_object().unwrap();
    if !responses.keys().any(|status| status.starts_with('2')) {
        wrong.push(format!("{name}: no success"));
    }
    for (status, response) in responses {
        if response["description"].as_str().unwrap_or_default().is_empty() {
            wrong.push(format!("{name}: {status} has no description"));
        }
        // Only 204 and 304 answer nothing, and they never answer something.
        let nothing = ["204", "304"].contains(&status.as_str());
        match response["content"].as_object() {
            None if !nothing => wrong.push(format!("{name}: {status} does not say what it answers")),
            Some(_) if nothing => wrong.push(format!("{name}: {status} answers something")),
            Some(content) if content.values().any(|media| media["schema"].is_null()) => {
                wrong.push(format!("{name}: {status} has no schema"));
            }
            _ => {}
        }
    }
}

fn parameters(operation: &Operation, wrong: &mut Vec<String>) {
    let name = operation.name();
    let parameters: Vec<&Value> = operation.described["parameters"].as_array().into_iter().flatten().collect();
    let in_template: BTreeSet<&str> =
        operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
    let described: BTreeSet<&str> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
    if in_template != described {
        wrong.push(format!("{name}: describes the path parameters {described:?}, write `web::Path<(…,)>`"));
    }
    for parameter in parameters {
        if !has_example(parameter) && !says_itself(&parameter["schema"]) {
            wrong.push(format!("{name}: {} has no example", parameter["name"]));
        }
    }
}

#[test]
fn every_schema_exists_and_each_of_its_properties_has_an_example() {
    let mut wrong = vec![];
    references(description(), &mut wrong);
    for (name, schema) in description()["components"]["schemas"].as_object().unwrap() {
        // An example of the whole shows every property at once.
        if !has_example(schema) {
            properties(name, schema, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn references(value: &Value, wrong: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get("$ref")
                && target(to).is_none()
            {
                wrong.push(format!("{to} does not exist"));
            }
            members.values().for_each(|member| references(member, wrong));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, wrong)),
        _ => {}
    }
}

fn properties(name: &str, schema: &Value, wrong: &mut Vec<String>) {
    for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
        if schema["items"]["properties"].is_object() {
            properties(&format!("{name}.{property}"), &schema["items"], wrong);
        } else if !says_itself(schema) {
            wrong.push(format!("{name}.{property} has no example"));
        }
    }
}

fn has_example(value: &Value) -> bool {
    ["example", "examples"].iter().any(|name| !value[*name].is_null())
}

fn target(reference: &str) -> Option<&'static Value> {
    description().pointer(reference.strip_prefix('#')?)
}

/// Whether a reader knows a value of this schema: by an example, a list of words, the form of an id, or the type it refers to.
fn says_itself(schema: &Value) -> bool {
    if has_example(schema) || !schema["enum"].is_null() || schema["format"] == "uuid" || schema["format"] == "binary" {
        return true;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return target(reference).is_some_and(|schema| schema["properties"].is_object() || says_itself(schema));
    }
    if let Some(choices) = ["oneOf", "anyOf", "allOf"].iter().find_map(|name| schema[*name].as_array()) {
        return choices.iter().filter(|choice| choice["type"] != "null").all(says_itself);
    }
    schema["items"].is_object() && says_itself(&schema["items"])
}
