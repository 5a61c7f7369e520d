// Decentralized gradient descent on a ring, written out. Its error stays in proportion to the step and to how unlike the
// ranks' data are: compare `--skew 0` with `--skew 1`.
//
//     bfc run examples/ring_dgd.bf --size 8 --skew 1

topology ring {
    for i in ranks { i -- (i + 1) mod size }
    weights metropolis
    ensure doubly_stochastic
    ensure contracting
}

algorithm dgd(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) - lr * grad(x) }
}

schedule {
    topology  ring
    algorithm dgd
}
