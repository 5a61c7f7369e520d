// Gradient tracking over the one-peer exponential graph: one message in and one out per step and rank, and the same
// optimum as centralized training however unlike the ranks' data are. Try `--skew 1`.
//
//     bfc run examples/digits.bf --size 8

use topology::one_peer_exp2
use algorithm::gradient_tracking

schedule {
    topology  one_peer_exp2
    algorithm gradient_tracking(lr = 0.5)
}
