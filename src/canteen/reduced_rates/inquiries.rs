//! Questions to the tax administration that wait in the memory of this process. Tax numbers are nowhere else: who restarts forgets them, and
//! the family gives them again. The queue is bounded, and a place in it is taken before the request is recorded.

use crate::{
    error::{Error, Refusal},
    fiscal::impot::Inquiry,
    kernel::{
        department::Department,
        ids::{IncomeRequestId, InquiryId},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions of a department in one process, some ten megabytes of them: whoever comes then is asked to come back later.
const WAITING_MAX: usize = 10_000;
/// When a family may try again once the queue is full.
const RETRY_SECONDS: u64 = 60;
/// How often this process says that it is still there: often within the lease of a question.
const RENEWED_EVERY: TimeDelta = TimeDelta::minutes(3);

/// The waiting questions of each department that asks.
#[derive(Clone, Default)]
pub struct Inquiries(Arc<BTreeMap<Department, Queue>>);

struct Queue {
    places: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    held: Vec<Held>,
    renewed_at: Option<DateTime<Utc>>,
}

/// A place in the queue.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held, and let go with the question")] OwnedSemaphorePermit);

/// A question in hand, with its place.
pub struct Held {
    pub request: IncomeRequestId,
    /// Which giving of a number this is: an earlier one counts no more.
    pub id: InquiryId,
    pub inquiry: Inquiry,
    /// Tries that failed.
    pub attempts: i32,
    pub due: DateTime<Utc>,
    pub place: Place,
}

impl Inquiries {
    /// Empty queues of those departments.
    pub fn new(departments: impl IntoIterator<Item = Department>) -> Self {
        let queue = || Queue { places: Arc::new(Semaphore::new(WAITING_MAX)), waiting: Mutex::default() };
        Self(Arc::new(departments.into_iter().map(|code| (code, queue())).collect()))
    }

    /// A place for one question. Refused where the department does not ask, and while the queue is full.
    pub fn reserve(&self, department: Department) -> Result<Place, Error> {
        let queue = self.0.get(&department).ok_or(Error::Refused(Refusal::AuthorityOff))?;
        let place = Arc::clone(&queue.places).try_acquire_owned();
        place.map(Place).map_err(|_| Error::Later(Refusal::Busy, RETRY_SECONDS))
    }

    /// Lets a question wait until it is due.
    pub fn hold(&self, department: Department, held: Held) {
        if let Some(mut waiting) = self.waiting(department) {
            waiting.held.push(held);
        }
    }

    /// The question that has been due for longest.
    pub(super) fn take_due(&self, department: Department, now: DateTime<Utc>) -> Option<Held> {
        let mut waiting = self.waiting(department)?;
        let due = waiting.held.iter().enumerate().filter(|(_, held)| held.due <= now);
        let (index, _) = due.min_by_key(|(_, held)| held.due)?;
        Some(waiting.held.swap_remove(index))
    }

    /// The questions whose lease is to be renewed now, if it is time.
    pub(super) fn to_renew(&self, department: Department, now: DateTime<Utc>) -> Vec<InquiryId> {
        let Some(mut waiting) = self.waiting(department) else { return vec![] };
        let is_fresh = waiting.renewed_at.is_some_and(|at| at <= now && now.signed_duration_since(at) < RENEWED_EVERY);
        if is_fresh || waiting.held.is_empty() {
            return vec![];
        }
        waiting.renewed_at = Some(now);
        waiting.held.iter().map(|held| held.id).collect()
    }

    /// Forgets those of the asked that are not wanted any more.
    pub(super) fn keep(&self, department: Department, asked: &[InquiryId], wanted: &[InquiryId]) {
        let wanted: BTreeSet<_> = wanted.iter().collect();
        let unwanted: BTreeSet<_> = asked.iter().filter(|id| !wanted.contains(id)).collect();
        if let Some(mut waiting) = self.waiting(department) {
            waiting.held.retain(|held| !unwanted.contains(&held.id));
        }
    }

    fn waiting(&self, department: Department) -> Option<MutexGuard<'_, Waiting>> {
        // Nothing is half done while it is locked: a panic elsewhere leaves it whole.
        Some(self.0.get(&department)?.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
