/// Diffusion, combine then adapt: z = W x, x ← z − lr ∇f(z).
///
/// `atc_diffusion` seen half a step later: z follows the iterates of that algorithm. With a constant step size it
/// ends near the optimum, farther from it than adapting first. One gradient at the mixed model and one message per
/// step, no extra state (Lopes and Sayed, "Diffusion least-mean squares over adaptive networks", 2008; Chen and
/// Sayed, "Diffusion adaptation strategies for distributed optimization and learning over networks", 2012).
///
///     use topology::exponential
///     use algorithm::cta_diffusion
///     schedule {
///         topology  exponential
///         algorithm cta_diffusion(lr = 0.05)
///     }
algorithm cta_diffusion(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let z = mix(x)
        x <- z - lr * grad(z)
    }
}
