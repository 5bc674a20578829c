//! Bounded gates around heavy work on processor or memory, so that a storm of it neither starves the debits nor fills the memory.

use crate::error::{Error, Refusal};
use std::{panic::resume_unwind, sync::Arc, thread};
use tokio::sync::Semaphore;

/// How far gentle work gives way, in steps of niceness: about a tenth of a processor while others want all of it.
const GENTLE: i32 = 10;

/// Runs `work` on a thread of its own, which gives way to the threads of debits and to PostgreSQL. To be called behind a gate.
pub fn gently<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let gentle = || {
        // Of this thread alone, and of those it starts. Where it is not permitted, the work is done all the same.
        rustix::process::nice(GENTLE).ok();
        work()
    };
    thread::scope(|scope| scope.spawn(gentle).join().unwrap_or_else(|panic| resume_unwind(panic)))
}

/// Lets so many pieces of work run at a time and so many wait; the next caller is told to come back.
#[derive(Clone)]
pub struct Gate {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Gate {
    #[must_use]
    pub fn new(running_max: usize, waiting_max: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running_max)),
            admitted: Arc::new(Semaphore::new(running_max.saturating_add(waiting_max))),
        }
    }

    /// Runs blocking `work` on a thread of its own when its turn comes, or answers 503 at once when too many wait.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Later(Refusal::Busy, 2))?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
        // The permits go with the work: a caller who hangs up does not free the place of what still runs.
        let held = move || {
            let _permits = (admitted, running);
            work()
        };
        tokio::task::spawn_blocking(held).await.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[actix_web::test]
    async fn beyond_those_that_run_and_wait_one_is_told_to_come_back() {
        let gate = Gate::new(1, 1);
        let (release, held) = mpsc::channel::<()>();
        let running = gate.run(move || held.recv().ok());
        let waiting = gate.run(|| 7);
        let late = async {
            tokio::task::yield_now().await;
            let late = gate.run(|| ()).await;
            drop(release);
            late
        };
        let (running, waiting, late) = tokio::join!(running, waiting, late);
        assert!(matches!(late, Err(Error::Later(Refusal::Busy, 2))));
        assert_eq!((running.ok(), waiting.ok()), (Some(None), Some(7)));
        assert!(gate.run(|| ()).await.is_ok(), "the places are free again");
    }
}
