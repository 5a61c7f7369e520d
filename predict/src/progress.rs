//! How far a computation has come that may take minutes: the caller shows it, or does not.

/// Is notified by a computation of stages.
pub trait Progress {
    /// A stage of `count` units begins.
    fn begin(&mut self, stage: &'static str, count: u64, unit: &'static str);

    /// As many units of the stage are done.
    fn advance(&mut self, done: u64);

    /// The last stage is over.
    fn end(&mut self);
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _stage: &'static str, _count: u64, _unit: &'static str) {}

    fn advance(&mut self, _done: u64) {}

    fn end(&mut self) {}
}
