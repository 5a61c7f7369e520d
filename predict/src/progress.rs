//! How far a computation has come that may take minutes: the caller shows it or does not, and may end it.

use crate::error::QuestionError;

/// Is notified by a computation of stages.
pub trait Progress {
    /// A stage of `count` units begins.
    fn begin(&mut self, stage: &'static str, count: u64, unit: &'static str);

    /// As many units of the stage are done.
    fn advance(&mut self, done: u64);

    /// The last stage is over.
    fn end(&mut self);

    /// Whether nobody waits for the result any more: the computation then ends soon, with
    /// [`QuestionError::Cancelled`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

impl dyn Progress + '_ {
    /// [`advance`](Progress::advance), if the computation is to go on.
    ///
    /// # Errors
    /// It is cancelled.
    pub(crate) fn go_on(&mut self, done: u64) -> Result<(), QuestionError> {
        self.advance(done);
        if self.is_cancelled() { Err(QuestionError::Cancelled) } else { Ok(()) }
    }
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _stage: &'static str, _count: u64, _unit: &'static str) {}

    fn advance(&mut self, _done: u64) {}

    fn end(&mut self) {}
}
