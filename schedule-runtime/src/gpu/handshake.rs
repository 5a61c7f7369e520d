//! Before the first step: ranks learn whether they run the same, and connect.

use super::{DeviceMemory, GpuError, Link, Piece};
use crate::layout::Layout;
use crate::plan::Plan;
use bfc_schedule::Rank;
use bfc_schedule::schedule::RankSchedule;
use sha2::{Digest, Sha256};

/// Compares schedule and layout with the rank before, and sends a first message along every edge in the schedule's order.
/// Returns the memory of the messages, which is not freed while other ranks may wait for this one.
pub(super) fn handshake<L: Link>(
    link: &mut L,
    schedule: &RankSchedule,
    layout: &Layout,
    plans: &[Vec<Plan>],
) -> Result<Vec<DeviceMemory>, GpuError> {
    let (rank, size) = (link.rank(), link.size());
    if size == 1 {
        return Ok(vec![]);
    }
    let mut hash = Sha256::new();
    hash.update(format!("{:?}\n{}", schedule.digest, layout.describe()));
    let own: [u8; 32] = hash.finalize().into();
    let memory = link.stream().gpu().allocate(64)?;
    link.stream().write(&memory, 0, &own)?;
    let (next, before) = (Rank((rank.0 + 1) % size), Rank((rank.0 + size - 1) % size));
    let result = (|| {
        let piece = |peer, at: usize| Piece { peer, address: memory.part(at..at + 32), bytes: 32 };
        // SAFETY: the memory is kept where the link does not end.
        unsafe { link.exchange(&[piece(next, 0)], &[piece(before, 32)])? };
        link.wait()?;
        let mut theirs = [0; 32];
        link.stream().read(&memory, 32, &mut theirs)?;
        if theirs != own {
            let reason = format!("its schedule or its layout is not that of rank {before}");
            return Err(GpuError::Different { rank, reason });
        }
        for plan in plans.iter().flatten() {
            let sends = plan.actions.iter().filter_map(|action| action.send_to);
            let receives = plan.actions.iter().filter_map(|action| Some(action.receive?.0));
            let sent: Vec<Piece> = sends.map(|peer| piece(peer, 0)).collect();
            let received: Vec<Piece> = receives.map(|peer| piece(peer, 32)).collect();
            // SAFETY: as above; nobody reads what is received, of which any bytes will do.
            unsafe { link.exchange(&sent, &received)? };
        }
        link.wait()
    })();
    match result {
        Ok(()) => Ok(vec![memory]),
        Err(error) => {
            if !link.abort() {
                memory.forget();
            }
            Err(error)
        }
    }
}
