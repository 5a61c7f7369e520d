/// NIDS: x¹ = x⁰ − lr ∇f(x⁰), then x ← (I + W)/2 (2 x − x⁻ − lr (∇f(x) − ∇f(x⁻))).
///
/// The recursion of `exact_diffusion`, started with a step that does not communicate. All ranks reach the optimum
/// with steps up to 2/L on any topology on which the corrected recursion is stable. One gradient at the model and one
/// message per step, one extra state (Li, Shi and Yan, "A decentralized proximal-gradient method with network
/// independent step-sizes and separated convergence rates", 2019).
///
///     use topology::ring
///     use algorithm::nids
///     schedule {
///         topology  ring
///         algorithm nids(lr = 0.05)
///     }
algorithm nids(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- if t == 0 { psi' } else { mix(psi' + x - psi, lazy(W, 1/2)) }
    }
}
