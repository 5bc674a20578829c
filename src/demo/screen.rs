//! How the tour shows JSON: a screen is narrow.

use serde_json::Value;

/// The same JSON with long texts cut and long lists shortened.
pub fn brief(json: &Value) -> Value {
    match json {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(items) if items.len() > 3 => {
            let mut kept: Vec<Value> = items.iter().take(2).map(brief).collect();
            kept.push(Value::String(format!("… {} more", items.len().saturating_sub(2))));
            Value::Array(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(brief).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), brief(value))).collect())
        }
        other => other.clone(),
    }
}

/// A text that fits on a line.
pub fn cut(text: &str) -> String {
    if text.chars().count() <= 90 { text.to_owned() } else { text.chars().take(40).chain("…".chars()).collect() }
}
