/// RelaySGD on gradients: x ← x − lr / n (the sum of ∇f(x) and of the other ranks' gradients that have arrived).
///
/// As `relay_sgd`, with gradients relayed along the tree instead of models: every rank steps along one gradient of
/// each rank, older for farther ranks. One gradient at the model and one message per neighbour and step (Vogels, He,
/// Koloskova, Lin, Karimireddy, Stich and Jaggi, "RelaySum for decentralized deep learning on heterogeneous data",
/// 2021).
///
///     use topology::binary_tree
///     use algorithm::relay_sgd_gradient
///     schedule {
///         topology  binary_tree
///         algorithm relay_sgd_gradient(lr = 0.02)
///     }
algorithm relay_sgd_gradient(lr: scalar = 0.1) {
    requires tree
    state x = params
    // The sum passed along each edge.
    edge m = 0
    step {
        let g = grad(x)
        m <- g + incoming(m) - back(m)
        x <- x - lr / size * (g + incoming(m'))
    }
}
