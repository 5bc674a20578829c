//! Questions that come at the same time, answered together: one statement, one commit, and each asker still gets the own answer.
//!
//! There is no timer. A worker takes whatever was asked while the one before was at work: alone, a question goes at once; under load, the
//! batches grow by themselves. Waiting for company, even a millisecond, was measured slower.

use crate::error::{Error, Refusal};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, channel},
};
use tokio::sync::oneshot;

/// Questions that may wait before the next asker is told that the service is busy.
const WAITING_MAX: usize = 2_048;

struct Asked<Q, A> {
    question: Q,
    answer: oneshot::Sender<Result<A, Error>>,
}

/// Where questions are asked. Its workers end with the last handle.
pub struct Combiner<Q, A> {
    asked: Sender<Asked<Q, A>>,
    waiting: Arc<AtomicUsize>,
}

impl<Q, A> Clone for Combiner<Q, A> {
    fn clone(&self) -> Self {
        Self { asked: self.asked.clone(), waiting: Arc::clone(&self.waiting) }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Combiner<Q, A> {
    /// `work` answers a batch of at most `batch_max` on a thread of its own, one answer a question, in their order.
    pub fn new(
        workers: u32,
        batch_max: usize,
        work: impl Fn(Vec<Q>) -> Vec<Result<A, Error>> + Send + Sync + 'static,
    ) -> Self {
        let (asked, questions) = channel();
        let (questions, work, waiting) =
            (Arc::new(Mutex::new(questions)), Arc::new(work), Arc::<AtomicUsize>::default());
        for _ in 0..workers {
            let (questions, work, waiting) = (Arc::clone(&questions), Arc::clone(&work), Arc::clone(&waiting));
            std::thread::spawn(move || while answer_some(&questions, batch_max, &*work, &waiting) {});
        }
        Self { asked, waiting }
    }

    /// The answer to one question.
    pub async fn ask(&self, question: Q) -> Result<A, Error> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Later(Refusal::Busy, 2));
        }
        let (answer, answered) = oneshot::channel();
        self.asked.send(Asked { question, answer }).map_err(|_| Error::internal("the workers are gone"))?;
        answered.await.map_err(|_| Error::internal("a question was left without answer"))?
    }
}

/// False when nobody can ask any more.
fn answer_some<Q, A>(
    questions: &Mutex<Receiver<Asked<Q, A>>>,
    batch_max: usize,
    work: &impl Fn(Vec<Q>) -> Vec<Result<A, Error>>,
    waiting: &AtomicUsize,
) -> bool {
    let batch: Vec<Asked<Q, A>> = {
        let Ok(questions) = questions.lock() else { return false };
        let Ok(first) = questions.recv() else { return false };
        std::iter::once(first).chain(questions.try_iter().take(batch_max.saturating_sub(1))).collect()
    };
    let (batch, askers): (Vec<_>, Vec<_>) = batch.into_iter().map(|asked| (asked.question, asked.answer)).unzip();
    // A panic must not take the worker away: those who asked learn that something broke.
    let answers = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(batch))).unwrap_or_default();
    waiting.fetch_sub(askers.len(), Ordering::Relaxed);
    let mut answers = answers.into_iter();
    for asker in askers {
        let answer = answers.next().unwrap_or_else(|| Err(Error::internal("a question was left without answer")));
        // Who hung up wants no answer.
        drop(asker.send(answer));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn everyone_gets_the_own_answer_and_a_failure_is_the_own_too() {
        let combiner = Combiner::new(2, 128, |batch: Vec<i32>| {
            batch.into_iter().map(|n| if n % 7 == 0 { Err(Refusal::NotFound.into()) } else { Ok(n * 2) }).collect()
        });
        let all = (0..500).map(|n| {
            let combiner = combiner.clone();
            tokio::spawn(async move { (n, combiner.ask(n).await) })
        });
        for asked in all.collect::<Vec<_>>() {
            let (n, answer) = asked.await.unwrap();
            assert_eq!(answer.ok(), (n % 7 != 0).then_some(n * 2));
        }
    }

    #[actix_web::test]
    async fn a_worker_outlives_what_breaks_it() {
        let combiner = Combiner::new(1, 128, |batch: Vec<bool>| {
            assert!(!batch.contains(&true), "asked to break");
            batch.into_iter().map(Ok).collect()
        });
        assert!(combiner.ask(true).await.is_err());
        assert!(!combiner.ask(false).await.unwrap());
    }

    #[actix_web::test]
    async fn who_comes_last_to_a_full_house_is_told_at_once() {
        let (open, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let combiner = Combiner::new(1, 128, move |batch: Vec<usize>| {
            gate.lock().unwrap().recv().ok();
            batch.into_iter().map(Ok).collect()
        });
        let all: Vec<_> = (0..=WAITING_MAX)
            .map(|n| {
                let combiner = combiner.clone();
                tokio::spawn(async move { combiner.ask(n).await })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        drop(open);
        let mut refused = 0;
        for one in all {
            refused += usize::from(matches!(one.await.unwrap(), Err(Error::Later(Refusal::Busy, _))));
        }
        assert_eq!(refused, 1);
    }
}
