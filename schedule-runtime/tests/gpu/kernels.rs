//! The host's compiler makes of the kernels' text what computes the bits of the host's kernels.

use super::stand_in::StandIn;
use bfc_runtime::conformance::kernels::laws;

#[test]
fn kernels_have_the_bits_of_the_host() {
    let stand_in = StandIn::new();
    let gpu = stand_in.gpu();
    for law in laws() {
        println!("{}", law.name());
        law.run(gpu.clone());
    }
}
