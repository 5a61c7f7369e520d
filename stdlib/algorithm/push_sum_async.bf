/// Asynchronous push-sum: a rank that wakes pushes shares of u and w to its neighbours, collects what they have
/// pushed since it last woke, and steps along the gradient at u / w.
///
/// No rank waits for another. As u and w travel together, late shares leave no bias; the sum over ranks and mailboxes
/// is constant. One gradient at the model and one message of a vector and a number whenever a rank wakes (Assran and
/// Rabbat, "Asynchronous gradient-push", 2021).
///
///     use algorithm::push_sum_async
///     topology ring_push {
///         for i in ranks { i -> (i + 1) mod size }
///         weights sender_uniform
///     }
///     schedule {
///         topology  ring_push
///         algorithm push_sum_async(lr = 0.02)
///     }
async algorithm push_sum_async(lr: scalar = 0.1) {
    requires nonnegative, column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    step {
        let s = mix(u)
        let v = mix(w)
        u <- s - lr * grad(s / v)
        w <- v
    }
    model u / w
}
