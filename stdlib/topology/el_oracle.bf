use topology::el_local::{sample}

/// EL-Oracle: at every step, a random graph in which each rank sends to `peers` others and receives from the same
/// number.
///
/// Weights 1/(peers + 1); doubly stochastic (de Vos, Farhadkhani, Guerraoui, Kermarrec, Pires, Sharma, "Epidemic
/// learning", NeurIPS 2023). At step t the ranks stand in the random order shuffle(ranks, seed, t, 0, 0), and each
/// sends `peers` random hops ahead in it, drawn from random_int(…, seed, t, 1, c) by Floyd's method, where a number d
/// stands for the hop d + 1; these draws never change between versions. The default is ⌈log₂ n⌉ peers. After
/// `horizon` steps, the schedule repeats.
///
///     bfc analyze topology::el_oracle --size 16
///     bfc analyze topology::el_oracle --size 16 --param peers=2 --param seed=7 --param horizon=50
topology el_oracle(peers: int = ceil_log(size, 2), seed: int = 1, horizon: int = 10) {
    requires peers >= 1, peers < size, horizon >= 1
    for t in 0..horizon {
        let order = shuffle(ranks, seed, t, 0, 0)
        let hops = sample(size - 1, peers, seed, t, 1, [])
        phase { for p in ranks, d in hops { order[p] -> order[(p + d + 1) mod size] } }
    }
    weights uniform
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree == peers
    ensure max_out_degree == peers
}
