/// RelaySGD on models: u = x − lr ∇f(x) is relayed along a tree, and x becomes the average of what has arrived, with the
/// initial model for what has not.
///
/// Each rank passes on to every neighbour the sum of its own u and of what the others last told it: after as many steps
/// as the tree is wide, every rank holds the sum of one, if older, u of each rank, counted exactly once. Data that differ
/// leave no bias from weights. One gradient at the model and one message for each neighbour a step (Vogels, He, Koloskova,
/// Lin, Karimireddy, Stich and Jaggi, "RelaySum for decentralized deep learning on heterogeneous data", 2021).
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
    // What is passed on along each edge, and how many ranks are in it.
    edge m = 0
    edge k: scalar = 0
    step {
        let u = x - lr * grad(x)
        m <- u + incoming(m) - back(m)
        k <- 1 + incoming(k) - back(k)
        x <- (u + incoming(m') + (size - 1 - incoming(k')) * params) / size
    }
}
