/// NoLoCo: H steps of the trainer's optimizer from x = a, then an outer step with one partner.
///
/// m ← μ m + η (W (x − a) + W a − a), a ← a + m', x = a. `diloco` without a global average: a rank exchanges with one
/// partner every H-th step, and the term W a − a keeps the ranks together. With different data it ends near the
/// optimum. One optimizer step at the model per step and one message of two vectors every H-th step, two extra states
/// (Kolehmainen, Blagoev, Donaghy, Ersoy and Nies, "NoLoCo: no-all-reduce low communication training method for large
/// models", 2025).
///
///     use topology::one_peer_hypercube
///     use algorithm::noloco
///     schedule {
///         topology  one_peer_hypercube
///         algorithm noloco(H = 50)
///     }
algorithm noloco(outer: real = 0.7, mu: real = 0.5, H: int = 50) {
    requires doubly_stochastic, stable
    state x = params
    state anchor = params
    state m = 0
    step {
        let y = adapt(x)
        if every(H) {
            m <- mu * m + outer * (mix(y - anchor) + mix(anchor) - anchor)
            anchor <- anchor + m'
            x <- anchor'
        } else {
            x <- y
        }
    }
}
