//! Bounded gates around heavy work on processor or memory, so that a storm of it neither starves the debits nor fills the memory.

use crate::error::{Error, Refusal};
use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::{sync::Semaphore, time::timeout};

/// Gentle work takes the processor time that nobody else in its control group wants, and gives it back at once.
const IDLE: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
/// How long gentle work rests between two steps, and how long while somebody stands at a till. The second is what protects the debits where
/// the kernel does not: when PostgreSQL, or anything else they wait for, runs in another control group.
const REST: Duration = Duration::from_micros(100);
const REST_FOR_TILLS: Duration = Duration::from_millis(20);

/// Who has waited so long is told to come back: a telephone has given up by then, and what would be done for it is lost.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Debits under way in this process.
static AT_TILLS: AtomicUsize = AtomicUsize::new(0);

/// Somebody stands at a till, until this is dropped.
#[derive(Debug)]
pub struct AtTill(());

impl AtTill {
    #[must_use]
    pub fn enter() -> Self {
        AT_TILLS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for AtTill {
    fn drop(&mut self) {
        AT_TILLS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A rest between two steps of gentle work, each of a millisecond at most.
pub fn rest() {
    thread::sleep(if AT_TILLS.load(Ordering::Relaxed) > 0 { REST_FOR_TILLS } else { REST });
}

/// Runs `work` on a thread of its own, which gives way to all others. To be called behind a gate.
pub fn gently<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let gentle = || {
        // Of this thread alone, and of those it starts. Where it is not permitted, the work is done all the same.
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, IDLE).ok();
        work()
    };
    thread::scope(|scope| scope.spawn(gentle).join().unwrap_or_else(|panic| resume_unwind(panic)))
}

/// Lets so many pieces of work run at a time and so many wait; the next caller is told to come back.
#[derive(Clone)]
pub struct Gate {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    wait_max: Duration,
}

impl Gate {
    #[must_use]
    pub fn new(running_max: usize, waiting_max: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running_max)),
            admitted: Arc::new(Semaphore::new(running_max.saturating_add(waiting_max))),
            wait_max: WAIT_MAX,
        }
    }

    /// Runs blocking `work` on a thread of its own when its turn comes; answers 503 at once when too many wait, and after a while to who waits.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Later(Refusal::Busy, 2))?;
        let turn = timeout(self.wait_max, Arc::clone(&self.running).acquire_owned()).await;
        let running = turn.map_err(|_| Error::Later(Refusal::Busy, 5))?.map_err(Error::internal)?;
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

    #[actix_web::test]
    async fn who_has_waited_too_long_is_told_to_come_back_and_leaves_his_place() {
        let gate = Gate { wait_max: Duration::from_millis(1), ..Gate::new(1, 1) };
        let (release, held) = mpsc::channel::<()>();
        let running = gate.run(move || held.recv().ok());
        let waiting = async {
            let first = gate.run(|| 7).await;
            let second = gate.run(|| 7).await;
            drop(release);
            (first, second)
        };
        let (_, (first, second)) = tokio::join!(running, waiting);
        assert!(matches!(first, Err(Error::Later(Refusal::Busy, 5))), "{first:?}");
        assert!(matches!(second, Err(Error::Later(Refusal::Busy, 5))), "the first left his place: {second:?}");
    }
}
