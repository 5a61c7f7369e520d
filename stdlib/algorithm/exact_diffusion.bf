/// Exact diffusion: ψ' = x − lr ∇f(x), x ← (I + W)/2 (ψ' + x − ψ).
///
/// The correction x − ψ takes the bias of diffusion away: with a constant step size and full gradients all ranks reach
/// the optimum itself. It needs a topology on which the corrected recursion is stable: every symmetric one, few
/// directed ones, and not every sequence of phases; `stable` is decided for the topology at hand. One gradient at the
/// model and one message a step, one extra state (Yuan, Ying, Zhao and Sayed, "Exact diffusion for distributed
/// optimization and learning", 2019).
///
///     use topology::ring
///     use algorithm::exact_diffusion
///     schedule {
///         topology  ring
///         algorithm exact_diffusion(lr = 0.05)
///     }
algorithm exact_diffusion(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi, lazy(W, 1/2))
    }
}
