use topology::complete
use topology::ring

/// Periodic global averaging: `period` − 1 steps over `base`, then one exact average over all ranks.
///
/// Gossip that is reset before its error builds up: Gossip-PGA (Chen, Yuan, Zhang, Pan, Xu, Yin, "Accelerating gossip
/// SGD with periodic global averaging", ICML 2021). Every period begins with the first phase of `base`, whose weights
/// must preserve the sum.
///
///     bfc analyze topology::periodic_average --size 16
///     bfc analyze topology::periodic_average --size 16 --param base=topology::exponential --param period=48
topology periodic_average(base: topology = ring, period: int = 8) {
    requires period >= 1
    let turns = phases(base)
    for k in 1..period { phases turns[(k - 1) mod len(turns)] }
    phases complete
    ensure exact_average
}
