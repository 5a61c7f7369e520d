//! The tests of schedules, as one program.

mod common;
mod format;
mod inspect;
mod rational;
mod scalar;
mod verify;
