//! Independent work on all cores.

use crate::error::QuestionError;
use crate::progress::Progress;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// What `each` makes of the items, in their order.
///
/// # Errors
/// `progress` is cancelled; items that have begun are finished first.
pub(crate) fn map<T: Send, R: Send>(
    items: Vec<T>,
    progress: &mut dyn Progress,
    each: impl Fn(T) -> R + Sync,
) -> Result<Vec<R>, QuestionError> {
    let count = items.len();
    let queue = Mutex::new(items.into_iter().enumerate());
    let (sender, results) = mpsc::channel();
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(count);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, queue, each) = (sender.clone(), &queue, &each);
            scope.spawn(move || {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some((at, item)) = next() {
                    // Nobody listens any more once it is cancelled.
                    if sender.send((at, each(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut found: Vec<(usize, R)> = Vec::with_capacity(count);
        for result in results {
            found.push(result);
            progress.go_on(found.len() as u64)?;
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(found.into_iter().map(|(_, result)| result).collect())
    })
}
