//! Every refusal that the service can utter is uttered in a test, which names it by its stable code.

use super::{assert_same, sources};
use passplus::error::Refusal;
use std::collections::BTreeSet;

/// Codes that no test provokes yet, and why. A code that a test names must leave this list.
const NOT_YET: &[(&str, &str)] = &[
    ("service.storage_full", "needs a full disk"),
    ("internal", "a defect of ours: the harness fails any test that meets one"),
];

/// The parts of the sources that are tests: all of `tests/` but this file, and what unit tests of `src/` say.
fn test_texts() -> String {
    let mut texts = String::new();
    for (name, text) in sources("tests") {
        if name != "api/coverage/refusals.rs" {
            texts.push_str(&text);
        }
    }
    for (name, text) in sources("src") {
        if name.ends_with("tests.rs") {
            texts.push_str(&text);
        } else if let Some((_, tests)) = text.split_once("#[cfg(test)]\nmod tests {") {
            texts.push_str(tests);
        }
    }
    texts
}

#[test]
fn every_code_of_the_table_is_asserted_by_a_test() {
    let texts = test_texts();
    let named = |refusal: &&Refusal| texts.contains(&format!("\"{}\"", refusal.code()));
    let silent: BTreeSet<&str> = Refusal::ALL.iter().filter(|r| !named(r)).map(|r| r.code()).collect();
    let allowed: BTreeSet<&str> = NOT_YET.iter().map(|(code, _)| *code).collect();
    assert_same("codes that no test provokes, against NOT_YET", &allowed, &silent);
}

#[test]
fn every_line_of_the_table_is_uttered_somewhere() {
    let code: String = sources("src").into_iter().map(|(_, text)| text).collect();
    let names = |name: &str| {
        let sign = format!("Refusal::{name}");
        code.match_indices(&sign).any(|(at, sign)| !code[at + sign.len()..].starts_with(char::is_alphanumeric))
    };
    let unused: Vec<String> = Refusal::ALL.iter().map(|r| format!("{r:?}")).filter(|name| !names(name)).collect();
    assert!(unused.is_empty(), "refused by nobody: {unused:?}");
}

#[test]
fn codes_are_unique_and_speak_french_sentences() {
    let codes: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
    assert_eq!(codes.len(), Refusal::ALL.len(), "two refusals share a code");
    for refusal in Refusal::ALL {
        let (code, sentence) = (refusal.code(), refusal.sentence());
        assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{code}: {sentence}");
        assert!((400..=503).contains(&refusal.status()), "{code} has the status {}", refusal.status());
    }
}
