/// Overlap stochastic gradient push: u ← D (u − lr ∇f(z)) + what the neighbours sent `delay` steps ago, with the
/// model z = u / w, where D is the diagonal of W and w is mixed like u.
///
/// Messages arrive some steps later, so communication and gradients can overlap. A late weight is late for both u and
/// w, so the model stays unbiased: the sum over ranks and messages in flight is preserved. With `delay = 0` it is
/// `push_sum_sgd`. One gradient at the model and one message of a vector and a number per step (Assran, Loizou,
/// Ballas and Rabbat, "Stochastic gradient push for distributed deep learning", 2019).
///
///     use algorithm::overlap_push_sum_sgd
///     topology hub {
///         for i in ranks { i -> (i + 1) mod size }
///         for j in 2..size, if j mod 2 == 0 { 0 -> j }
///         weights sender_uniform
///     }
///     schedule {
///         topology  hub
///         algorithm overlap_push_sum_sgd(lr = 0.02, delay = 1)
///     }
algorithm overlap_push_sum_sgd(lr: scalar = 0.1, delay: int = 1) {
    requires nonnegative, column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    let z = u / w
    step {
        u <- mix(u - lr * grad(z), delay = delay)
        w <- mix(w, delay = delay)
    }
    model z
}
