use topology::complete

/// Ranks that do not communicate.
topology alone { }

/// Local steps: no communication for `period` − 1 steps, then the next phase of `base`.
///
/// With the complete graph, local SGD (Stich, "Local SGD converges fast and communicates little", ICLR 2019); with
/// any other, local decentralized SGD (Koloskova, Loizou, Boreiri, Jaggi, Stich, "A unified theory of decentralized
/// SGD with changing topology and local updates", ICML 2020). Contraction per communication is that of `base`. An
/// algorithm with `every(period)` does the same without idle phases.
///
///     bfc analyze topology::local_steps --size 16
///     bfc analyze topology::local_steps --size 16 --param base=topology::one_peer_exp2 --param period=4
topology local_steps(base: topology = complete, period: int = 8) {
    requires period >= 1
    for t in phases(base) {
        for k in 1..period { phases alone }
        phases t
    }
    ensure contracting
}
