//! Every assignment of the library's algorithms as a GPU kernel, on the test double of the runtime's tests: the same bits as on
//! the host, for vectors of each type.

mod programs;
#[path = "../../schedule-runtime/tests/gpu/stand_in.rs"]
#[allow(dead_code, reason = "other tests ask for its faults")]
mod stand_in;

use bfc_runtime::conformance::kernels;
use stand_in::StandIn;

#[test]
fn algorithms_of_the_library_have_the_bits_of_the_host() {
    let programs = programs::of_library();
    let stand_in = StandIn::new();
    kernels::assignments(&stand_in.gpu(), &programs.iter().collect::<Vec<_>>(), 1500);
}
