/// The bit of n − 1 that round r of a period handles, the highest first.
fn bit(n, r) = (n - 1) div 2^(ceil_log(n, 2) - r - 1) mod 2

/// The number formed by the bits before round r: how many other ranks each rank has heard from.
fn heard(n, r) = (n - 1) div 2^(ceil_log(n, 2) - r)

/// CECA: the exchanges of communication-optimal exact averaging, in ⌈log₂ n⌉ steps at any size.
///
/// A sequence of permutations, one for each bit of n − 1 from the highest: with two ports every rank sends `heard +
/// bit` hops ahead; with one port every odd rank i exchanges with rank i + 2·heard + 1, and the size is even. The
/// algorithm decides what is sent and kept: it carries two models and sends one of them, depending on the bit of the
/// round. A permutation by itself, as a mixing matrix, averages nothing (Ding, Jin, Jiao, Ying, Yuan, "DSGD-CECA:
/// decentralized SGD with communication-optimal exact consensus algorithm", ICML 2023).
///
///     bfc analyze topology::ceca --size 33
///     bfc analyze topology::ceca --size 10 --param ports=1
topology ceca(ports: int = 2) {
    requires ports == 1 or ports == 2, ports == 2 or size mod 2 == 0
    for r in 0..ceil_log(size, 2) {
        phase {
            if ports == 2 {
                for i in ranks { i -> (i + heard(size, r) + bit(size, r)) mod size weight 1 }
            } else {
                for i in ranks, if i mod 2 == 1 { i -- (i + 2 * heard(size, r) + 1) mod size weight 1 }
            }
        }
    }
    ensure doubly_stochastic
    ensure permutation
    ensure matching if ports == 1
}
