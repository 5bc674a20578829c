//! What a service writes to its log, however much of it is asked for.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every line of this thread, without the time, whose digits could be anything: of the libraries too, from `captured` to `end`.
pub struct Lines {
    written: Written,
    _guard: DefaultGuard,
}

impl Lines {
    pub fn captured() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE).without_time();
        let subscriber = subscriber.with_ansi(false).with_writer(move || writer.clone());
        Self { written, _guard: subscriber.finish().set_default() }
    }

    pub fn end(self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }
}
