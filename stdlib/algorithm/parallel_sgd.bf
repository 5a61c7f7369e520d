/// Parallel gradient descent with the exact average of all ranks: x ← J (x − lr ∇f(x)).
///
/// All-reduce training, as the reference for everything decentralized. The average is computed in generated rounds
/// (reduce-scatter and all-gather) over all ranks, on any topology. One gradient at the model per step, no extra
/// state.
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
