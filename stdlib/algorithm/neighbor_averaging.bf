/// Plain neighbour averaging, without training: x_i ← Σ_j W[i][j] x_j.
///
/// All ranks converge to the average of their initial values, by the factor rho per step on a static symmetric
/// topology, and reach it exactly if the topology is `exact_average`. One message per step, no gradient, no extra
/// state (DeGroot, "Reaching a consensus", 1974; Xiao and Boyd, "Fast linear iterations for distributed averaging",
/// 2004).
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
