//! Executes a schedule.
