/// Diffusion, adapt then combine: x ← W (one step of the trainer's optimizer from x).
///
/// With plain gradient descent as the optimizer, that is x ← W (x − lr ∇f(x)). Any optimizer works, momentum and Adam
/// included; its state stays on the rank. It ends nearer to the optimum than `dgd` and is stable at larger steps, but
/// the message waits for the gradient. One optimizer step and one message per step, no extra state (Chen and Sayed,
/// "Diffusion adaptation strategies for distributed optimization and learning over networks", 2012).
///
///     use topology::exponential
///     use algorithm::atc_diffusion
///     schedule {
///         topology  exponential
///         algorithm atc_diffusion
///     }
algorithm atc_diffusion {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(adapt(x)) }
}
