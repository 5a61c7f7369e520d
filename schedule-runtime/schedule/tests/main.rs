//! The tests of schedules, as one program.

mod common;
mod format;
mod inspect;
mod scalar;
mod verify;
