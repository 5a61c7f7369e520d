/// Plain neighbour averaging, without training: x_i ← Σ_j W[i][j] x_j.
///
/// All ranks tend to the average of where they start, by the factor rho a step on a static symmetric topology, and
/// reach it exactly where the topology is `exact_average`. One message a step, no gradient, no extra state
/// (DeGroot, "Reaching a consensus", 1974; Xiao and Boyd, "Fast linear iterations for distributed averaging", 2004).
///
///     use topology::one_peer_exp2
///     use algorithm::neighbor_averaging
///     schedule {
///         topology  one_peer_exp2
///         algorithm neighbor_averaging
///     }
algorithm neighbor_averaging {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) }
}
