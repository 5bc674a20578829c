//! The order of dependence of the modules, and the few things that no file of `src` may contain.

use super::{assert_same, sources};
use std::collections::BTreeSet;

/// Modules of `src`, each line may use the lines above it and its own, never those below.
const ORDER: &[&[&str]] = &[
    &["kernel"],
    &["error", "combine", "db", "gates", "migrate", "schema"],
    &["audit", "config", "jobs", "mail", "paper"],
    &["http"],
    &["auth"],
    &["seasons"],
    &["colleges", "families", "photos", "documents"],
    &["fiscal"],
    &["ledger", "cards", "enrolments"],
    &["news"],
    &["corrections", "disputes"],
    &["proof"],
    &["merchants", "canteen"],
    &["settlement", "billing"],
    &["journal"],
    &["privacy"],
    &["app", "serve", "worker", "admin", "bench", "demo", "embedded"],
];

/// Uses against the order, and why each one stands: who (a file, or every file from `http` on), what. They only shrink.
const EVERY_ENDPOINT: &str = "every endpoint";
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (EVERY_ENDPOINT, "app::App", "the state that handlers reach: databases, gates and keys; it holds the keys of auth"),
    ("http/openapi.rs", "auth", LIST),
    ("http/openapi.rs", "billing", LIST),
    ("http/openapi.rs", "canteen", LIST),
    ("http/openapi.rs", "cards", LIST),
    ("http/openapi.rs", "colleges", LIST),
    ("http/openapi.rs", "corrections", LIST),
    ("http/openapi.rs", "disputes", LIST),
    ("http/openapi.rs", "documents", LIST),
    ("http/openapi.rs", "enrolments", LIST),
    ("http/openapi.rs", "families", LIST),
    ("http/openapi.rs", "journal", LIST),
    ("http/openapi.rs", "news", LIST),
    ("http/openapi.rs", "ledger", LIST),
    ("http/openapi.rs", "merchants", LIST),
    ("http/openapi.rs", "photos", LIST),
    ("http/openapi.rs", "seasons", LIST),
    ("http/openapi.rs", "settlement", LIST),
];
const LIST: &str = "the one list of endpoints, which mounts and describes them";

/// Longest file; what is longer hides a part that deserves a name.
const LINES_MAX: usize = 400;

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

fn rank(module: &str) -> usize {
    let rank = ORDER.iter().position(|line| line.contains(&module));
    rank.unwrap_or_else(|| panic!("the module {module} has no place in the order of dependence"))
}

/// Code without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that follows `crate::`, groups of `use` opened: `crate::{a::b, c}` is `a::b` and `c`.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, sign) in text.match_indices("crate::") {
        let free = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$');
        if free {
            open(&text[at + sign.len()..], "", &mut paths);
        }
    }
    paths
}

/// Reads one tree of `use` after `prefix`; gives back what follows it.
fn open<'t>(text: &'t str, prefix: &str, into: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            if rest.is_empty() || rest.starts_with('}') {
                return rest.get(1..).unwrap_or_default();
            }
            let left = open(rest, prefix, into);
            assert!(left.len() < rest.len(), "cannot read {rest:.60}");
            rest = left.trim_start();
            if let Some(renamed) = rest.strip_prefix("as ") {
                rest = renamed.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    match rest.strip_prefix("::") {
        Some(below) if !below.starts_with('<') => open(below, &path, into),
        _ => {
            into.insert(path);
            rest
        }
    }
}

#[test]
fn a_use_tree_is_read_as_rust_reads_it() {
    let text = "use crate::{app::App, auth::{self as a, actor::{By, Guardian}}, error};\n let x = crate::db::now(1); $crate::no::no";
    let expected = ["app::App", "auth::actor::By", "auth::actor::Guardian", "auth::self", "db::now", "error"];
    assert_eq!(crate_paths(text), expected.map(str::to_owned).into());
}

#[test]
fn modules_depend_on_those_before_them_only() {
    let (mut against, mut excused) = (BTreeSet::new(), BTreeSet::new());
    for (file, text) in sources("src") {
        if ["lib.rs", "main.rs"].contains(&file.as_str()) {
            continue;
        }
        let own = rank(module(&file));
        for path in crate_paths(&code(&text)) {
            if rank(path.split("::").next().unwrap()) <= own {
                continue;
            }
            let by = |who: &str| who == file || (who == EVERY_ENDPOINT && own >= rank("http"));
            match EXCEPTIONS.iter().find(|(who, what, _)| by(who) && *what == path) {
                Some((who, what, _)) => drop(excused.insert(format!("{who}: {what}"))),
                None => drop(against.insert(format!("{file}: {path}"))),
            }
        }
    }
    let known = EXCEPTIONS.iter().map(|(who, what, _)| format!("{who}: {what}")).collect();
    assert_same("uses against the order of dependence", &BTreeSet::new(), &against);
    assert_same("exceptions that are needed", &known, &excused);
}

#[test]
fn a_domain_never_reaches_into_the_queries_or_endpoints_of_another() {
    let first = rank("auth");
    let mut reached = BTreeSet::new();
    for (file, text) in sources("src") {
        if ["lib.rs", "main.rs"].contains(&file.as_str()) {
            continue;
        }
        for path in crate_paths(&code(&text)) {
            let mut parts = path.split("::");
            let used = parts.next().unwrap();
            let (domain, inner) =
                (rank(used) >= first && rank(used) < rank("app"), parts.any(|p| p == "db" || p == "http"));
            if used != module(&file) && domain && inner {
                reached.insert(format!("{file} uses {path}"));
            }
        }
    }
    assert_same("reaches into another domain", &BTreeSet::new(), &reached);
}

#[test]
fn files_are_short_and_no_lint_is_waved_away() {
    let mut wrong = vec![];
    for (file, text) in sources("src") {
        let lines = text.lines().count();
        if lines > LINES_MAX && !file.starts_with("schema/") {
            wrong.push(format!("{file} has {lines} lines, {LINES_MAX} at most"));
        }
        for (banned, instead) in
            [("#[allow", "#[expect(…, reason)]"), ("#![allow", "#[expect(…, reason)]"), ("web::block", "Db or a gate")]
        {
            if code(&text).contains(banned) {
                wrong.push(format!("{file} says {banned}: use {instead}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
