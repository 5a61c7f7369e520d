// Four local steps for each exchange with one neighbour: a quarter of the bytes.
//
//     bfc run examples/local_steps.bf --size 8

use topology::one_peer_exp2

algorithm local_dgd(lr: scalar = 0.1, H: int = 4) {
    requires doubly_stochastic, stable
    state x = params
    step {
        let y = x - lr * grad(x)
        x <- if every(H) { mix(y) } else { y }
    }
}

schedule {
    topology  one_peer_exp2
    algorithm local_dgd
}
