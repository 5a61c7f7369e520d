//! SIGUSR1: the rings of this process that are in files are written to disk.

use super::recorder::Recorder;
use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Signals;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The rings in files of this process; `None` until the first, which starts the thread that waits for the signal.
static OPEN: Mutex<Option<Vec<Weak<Recorder>>>> = Mutex::new(None);

/// Writes a ring to disk whenever the process gets SIGUSR1, which otherwise would end it.
pub(super) fn sync_on_request(recorder: &Arc<Recorder>) -> io::Result<()> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.is_none() {
        let mut signals = Signals::new([SIGUSR1])?;
        std::thread::Builder::new().name("bfc-trace".into()).spawn(move || {
            signals.forever().for_each(|_| sync_all());
        })?;
    }
    let open = open.get_or_insert_default();
    open.retain(|recorder| recorder.strong_count() > 0);
    open.push(Arc::downgrade(recorder));
    Ok(())
}

fn sync_all() {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.iter().flatten().filter_map(Weak::upgrade).for_each(|recorder| recorder.sync());
}
