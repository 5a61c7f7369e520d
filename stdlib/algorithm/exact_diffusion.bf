/// Exact diffusion: ψ' = x − lr ∇f(x), x ← (I + W)/2 (ψ' + x − ψ).
///
/// The correction x − ψ removes the bias of diffusion: with a constant step size and full gradients, all ranks reach
/// the optimum itself. The corrected recursion must be stable on the topology: it is on every symmetric one, on few
/// directed ones, and not on every sequence of phases; `stable` is decided for the given topology. One gradient at
/// the model and one message per step, one extra state (Yuan, Ying, Zhao and Sayed, "Exact diffusion for distributed
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
