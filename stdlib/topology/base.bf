use topology::hyper_hypercube::{hyper_rounds}
use topology::simple_base::{simple_base_rounds}

/// Runs the rounds of several lists of ranks side by side; all lists have the same number of rounds.
fn parallel(many) = [[e for rounds in many, e in rounds[r]] for r in 0..len(many[0])]

/// The largest divisor of n without a prime factor above k + 1.
fn smooth_part(n, k) = gcd(n, product([q^floor_log(n, q) for q in 2..min(k + 1, n) + 1]))

/// The rounds of the base-(k + 1) graph on a list of ranks, as lists of [rank, rank, weight]: simple base graphs on
/// groups and a hyper-hypercube across them, or one simple base graph, whichever is shorter.
fn base_rounds(v, k) {
    let groups = smooth_part(len(v), k)
    let q = len(v) / groups
    let within = parallel([simple_base_rounds(v[q * g..q * g + q], k) for g in 0..groups])
    let across = parallel([hyper_rounds([v[q * g + j] for g in 0..groups], k) for j in 0..q])
    let plain = simple_base_rounds(v, k)
    if len(plain) < len(within) + len(across) { plain } else { within ++ across }
}

/// Base-(k + 1) graph: exact average at any size with at most k neighbours per step.
///
/// At most 2 log n + 2 steps to base k + 1; with k = 1 every step is a matching. Symmetric, doubly stochastic, exact
/// in rationals (Takezawa, Sato, Bao, Niwa, Yamada, "Beyond exponential graph: communication-efficient topologies for
/// decentralized learning via finite-time convergence", NeurIPS 2023). Until the last steps of a period, ranks may be
/// as far apart as at its start.
///
///     bfc analyze topology::base --size 33
///     bfc analyze topology::base --size 25 --param k=4
topology base(k: int = 1) {
    requires k >= 1
    for round in base_rounds(ranks, k) { phase { for [i, j, w] in round { i -- j weight w } } }
    ensure symmetric
    ensure nonnegative
    ensure exact_average
    ensure max_in_degree <= k
}
