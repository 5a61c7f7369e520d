use topology::path
use topology::torus::{sides}

/// Grid of any dimension: `dims` ranks, each exchanging with its neighbours along every axis; the last side varies
/// fastest.
///
/// By default, three sides that are as equal as possible. Metropolis weights 1/(1 + the larger degree) (Xiao, Boyd,
/// Lall 2006); symmetric, doubly stochastic. The gap is of order n^(−2/k) for k equal sides, with at most 2k
/// neighbours.
///
///     bfc analyze topology::grid --size 27
///     bfc analyze topology::grid --size 24 --param dims=[2,3,4]
topology grid(dims: list = sides(size, 3)) {
    requires product(dims) == size
    phases cartesian([path at d for d in dims])
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree <= 2 * len(dims)
}
