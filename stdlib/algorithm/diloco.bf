/// DiLoCo: H steps of the trainer's optimizer from x = a, then an outer step on their average.
///
/// d = a − J x, b ← μ b + d, a ← a − η (d + μ b'), x = a. `local_sgd` with any inner optimizer and outer Nesterov
/// momentum, for training over slow links: ranks do not communicate between averages. With different data it ends
/// near the optimum, where `local_sgd` ends. One optimizer step at the model per step and 2(n − 1)/n models every
/// H-th step, on any topology; two extra states (Douillard, Feng, Rusu, Chhaparia, Donchev, Kuncoro, Ranzato, Szlam
/// and Shen, "DiLoCo: distributed low-communication training of language models", 2023).
///
///     use topology::ring
///     use algorithm::diloco
///     schedule {
///         topology  ring
///         algorithm diloco(H = 50)
///     }
algorithm diloco(outer: real = 0.7, mu: real = 0.9, H: int = 500) {
    state x = params
    state anchor = params
    state b = 0
    step {
        let y = adapt(x)
        if every(H) {
            let d = anchor - average(y)
            b <- mu * b + d
            anchor <- anchor - outer * (d + mu * b')
            x <- anchor'
        } else {
            x <- y
        }
    }
}
