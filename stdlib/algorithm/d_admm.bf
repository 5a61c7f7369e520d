/// D-ADMM: x ← argmin_x f(x) + a·x + c Σ_j ‖x − (x_i + x_j)/2‖² over the neighbours j, a ← a + c Σ_j (x_i' − x_j').
///
/// Decentralized alternating directions: instead of gradients, the trainer returns minimizers of its loss near a
/// point (`prox`), and the multipliers a, which sum to 0, correct for different data. It converges on every connected
/// undirected topology, for every c > 0. One minimizer and one message per step, two extra states (Shi, Ling, Yuan,
/// Wu and Yin, "On the linear convergence of the ADMM in decentralized consensus optimization", 2014).
///
///     use topology::ring
///     use algorithm::d_admm
///     schedule {
///         topology  ring
///         algorithm d_admm
///     }
algorithm d_admm(c: real = 0.5) {
    requires undirected, connected, static, c > 0
    state x = params
    // The sum of the neighbours' models.
    state s = incoming(x)
    state a = 0
    step {
        x <- prox((c * (degree * x + s) - a) / (2 * c * max(degree, 1)), 2 * c * degree)
        s <- incoming(x')
        a <- a + c * (degree * x' - s')
    }
}
