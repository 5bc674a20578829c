//! What the service writes to its log, on whichever thread, however much of it is asked for.
//!
//! Servers, pools and workers write on threads of their own, so the subscriber is the whole binary's. A capture therefore holds the lines of
//! the tests that run beside it too: what must not be logged by one must not be logged by any.

use std::{
    io::Write,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicUsize, Ordering},
    },
};
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, dynamic_filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

type Written = Arc<Mutex<Vec<u8>>>;

/// Captures under way.
static OPEN: Mutex<Vec<Written>> = Mutex::new(vec![]);
/// How many: the question of every line, answered without a lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Writes a line into every capture under way.
struct Tee;

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for written in OPEN.lock().unwrap().iter() {
            written.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sets the binary's subscriber once. A failure of ours says why, among the lines of the test that met it; captures take everything.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let failures = tracing_subscriber::fmt::layer().with_test_writer().with_filter(LevelFilter::ERROR);
        // Without the time, whose digits could be anything.
        let captures = tracing_subscriber::fmt::layer().without_time().with_ansi(false).with_writer(|| Tee);
        let captures = captures.with_filter(dynamic_filter_fn(|_, _| COUNT.load(Ordering::Relaxed) > 0));
        tracing_subscriber::registry().with(failures).with(captures).init();
    });
}

/// Every line of the binary from `captured` to `end`, of the libraries too.
pub struct Lines(Written);

impl Lines {
    pub fn captured() -> Self {
        listen();
        let written = Written::default();
        OPEN.lock().unwrap().push(Arc::clone(&written));
        COUNT.fetch_add(1, Ordering::Relaxed);
        Self(written)
    }

    pub fn end(self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
        OPEN.lock().unwrap().retain(|written| !Arc::ptr_eq(written, &self.0));
    }
}

/// From there on a word comes about by no chance.
const LONG: usize = 12;

/// Where a text tells a word, with what surrounds it. Letters or digits that go on before or after make a short one another word: seven
/// digits occur in somebody's random id sooner or later.
pub fn told(text: &str, word: &str) -> Option<String> {
    let plain = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    // Whether what lies on both sides of a bound belongs to one word.
    let joined = |before: &str, after: &str| plain(before.chars().next_back()) && plain(after.chars().next());
    let is_told = |at: usize| {
        let (start, rest) = text.split_at(at);
        word.len() >= LONG || !(joined(start, rest) || joined(word, &rest[word.len()..]))
    };
    let (at, _) = text.match_indices(word).find(|(at, _)| is_told(*at))?;
    let from = text[..at].char_indices().rev().nth(300).map_or(0, |(from, _)| from);
    Some(text[from..].chars().take(700).collect())
}
