//! The tests of schedules, as one program.

mod codec;
mod common;
mod inspect;
mod scalar;
mod verify;
