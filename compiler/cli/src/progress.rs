//! A progress bar on standard error, absent if that is not a terminal.

use bfc_predict::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The time between two pictures of a bar that turns.
const TICK: Duration = Duration::from_millis(200);

static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows a bar with this number of items, in place of the last one.
pub fn start(name: &'static str, count: u64, of: &'static str) {
    let style =
        ProgressStyle::with_template("{msg:>13} {bar:40.cyan/dim} {pos}/{len} {prefix} {elapsed:>4} ")
            .map(|style| style.progress_chars("━━─"))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(count).with_style(style).with_message(name).with_prefix(of);
    replace(Some(bar));
}

/// Shows how long something has taken of which nobody knows how long it will take, in place of the last bar.
pub fn wait(name: &'static str) {
    let style = ProgressStyle::with_template("{msg:>13} {spinner:.cyan} {elapsed:>4} ");
    let bar = ProgressBar::new_spinner().with_message(name);
    let bar = if let Ok(style) = style { bar.with_style(style) } else { bar };
    bar.enable_steady_tick(TICK);
    replace(Some(bar));
}

/// Moves the bar.
pub fn advance(done: u64) {
    if let Some(bar) = &*BAR.lock().unwrap_or_else(PoisonError::into_inner) {
        bar.set_position(done);
    }
}

/// Removes the bar from the screen.
pub fn clear() {
    replace(None);
}

/// The bar of a library's computation.
pub struct Bar;

impl Progress for Bar {
    fn begin(&mut self, stage: &'static str, count: u64, unit: &'static str) {
        start(stage, count, unit);
    }

    fn advance(&mut self, done: u64) {
        advance(done);
    }

    fn end(&mut self) {
        clear();
    }
}

fn replace(bar: Option<ProgressBar>) {
    let mut current = BAR.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(old) = current.take() {
        old.finish_and_clear();
    }
    *current = bar;
}
