/// AD-PSGD: a rank that wakes averages its model with that of one neighbour, on both at once, and steps along a
/// gradient at its former model.
///
/// Only the two that average wait, so a slow rank delays no other. One gradient at the model and one exchange with
/// one neighbour whenever a rank wakes (Lian, Zhang, Zhang and Liu, "Asynchronous decentralized parallel stochastic
/// gradient descent", 2018).
///
///     use topology::ring
///     use algorithm::ad_psgd
///     schedule {
///         topology  ring
///         algorithm ad_psgd(lr = 0.02)
///     }
async algorithm ad_psgd(lr: scalar = 0.1) {
    requires symmetric, doubly_stochastic, contracting
    state x = params
    step { x <- pair(x) - lr * grad(x) }
}
