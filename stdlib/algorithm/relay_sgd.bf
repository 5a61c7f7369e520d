/// RelaySGD on models: u = x − lr ∇f(x) is relayed along a tree, and x becomes the average of all values that have
/// arrived, with the initial model in place of those that have not.
///
/// Each rank passes to every neighbour the sum of its own u and of the last messages from its other neighbours. After
/// as many steps as the diameter of the tree, every rank holds the sum of one u of each rank, possibly an older one,
/// each counted exactly once. Different data cause no bias through the weights. One gradient at the model and one
/// message per neighbour and step (Vogels, He, Koloskova, Lin, Karimireddy, Stich and Jaggi, "RelaySum for
/// decentralized deep learning on heterogeneous data", 2021).
///
///     use topology::binary_tree
///     use algorithm::relay_sgd
///     schedule {
///         topology  binary_tree
///         algorithm relay_sgd(lr = 0.02)
///     }
algorithm relay_sgd(lr: scalar = 0.1) {
    requires tree
    state x = params
    // The sum passed along each edge, and the number of ranks in it.
    edge m = 0
    edge k: scalar = 0
    step {
        let u = x - lr * grad(x)
        m <- u + incoming(m) - back(m)
        k <- 1 + incoming(k) - back(k)
        x <- (u + incoming(m') + (size - 1 - incoming(k')) * params) / size
    }
}
