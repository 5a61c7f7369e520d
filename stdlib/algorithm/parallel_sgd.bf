/// Parallel gradient descent with the exact average of all ranks: x ← J (x − lr ∇f(x)).
///
/// What all-reduce training does, as the reference for everything decentralized. The average is taken in generated
/// rounds (reduce-scatter and all-gather) over all ranks, whatever the topology. One gradient at the model a step, no
/// extra state.
///
///     use topology::ring
///     use algorithm::parallel_sgd
///     schedule {
///         topology  ring
///         algorithm parallel_sgd(lr = 0.05)
///     }
algorithm parallel_sgd(lr: scalar = 0.1) {
    state x = params
    step { x <- average(x - lr * grad(x)) }
}
