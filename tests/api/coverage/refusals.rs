//! Every refusal that the service can utter is uttered in a test, which names it by its stable code.

use super::{assert_same, sources};
use passplus::error::Refusal;
use std::collections::BTreeSet;

/// Codes that no test provokes yet, and why. A code that a test names must leave this list.
const NOT_YET: &[(&str, &str)] = &[
    ("internal", "a defect of ours: the harness fails any test that meets one"),
    ("service.busy", "needs more callers than a test has"),
    ("service.storage_full", "needs a full disk"),
    ("service.unavailable", "needs a database that is gone"),
    ("affiliation.already_exists", SOON),
    ("affiliation.transition", SOON),
    ("auth.refresh_unknown", SOON),
    ("auth.second_factor_required", SOON),
    ("auth.step_up_required", SOON),
    ("auth.too_many_attempts", SOON),
    ("auth.wrong_credentials", SOON),
    ("auth.wrong_second_factor", SOON),
    ("card.none", SOON),
    ("card.not_enrolled", SOON),
    ("card.not_recognised", SOON),
    ("card.transition", SOON),
    ("child.already_registered", SOON),
    ("child.enrolled", SOON),
    ("college.arrival_not_found", SOON),
    ("college.import_refused", SOON),
    ("college.unknown", SOON),
    ("debit.refused", SOON),
    ("device.invalid_client", SOON),
    ("device.transition", SOON),
    ("enrolment.already_exists", SOON),
    ("enrolment.deadline_passed", SOON),
    ("enrolment.not_eligible", SOON),
    ("enrolment.transition", SOON),
    ("enrolment.unknown_formula", SOON),
    ("family.already_open", SOON),
    ("family.too_many", SOON),
    ("guardian.already_member", SOON),
    ("guardian.consult_only", SOON),
    ("idempotency.missing", SOON),
    ("idempotency.reused", SOON),
    ("link.invalid", SOON),
    ("merchant.already_exists", SOON),
    ("merchant.not_affiliated", SOON),
    ("password.weak", SOON),
    ("refund.exceeds_debit", SOON),
    ("request.invalid", SOON),
    ("request.malformed", SOON),
    ("request.media_type", SOON),
    ("request.query", SOON),
    ("request.too_large", SOON),
    ("season.closed", SOON),
    ("season.draft_exists", SOON),
    ("season.effective_taken", SOON),
    ("season.invalid_rules", SOON),
    ("season.no_draft", SOON),
    ("season.retroactive", SOON),
    ("staff.already_exists", SOON),
    ("version.stale", SOON),
];
const SOON: &str = "its domain's tests are not written yet";

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
fn codes_are_unique_and_speak_french_sentences() {
    let codes: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
    assert_eq!(codes.len(), Refusal::ALL.len(), "two refusals share a code");
    for refusal in Refusal::ALL {
        let (code, sentence) = (refusal.code(), refusal.sentence());
        assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{code}: {sentence}");
        assert!((400..=503).contains(&refusal.status()), "{code} has the status {}", refusal.status());
    }
}
