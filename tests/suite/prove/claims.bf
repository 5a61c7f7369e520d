//// size 6
use algorithm::neighbor_averaging
topology rotation { for i in ranks { i -> (i + 1) mod size weight 1 } }
schedule {
    topology rotation
    algorithm neighbor_averaging
}
//// size 16
use topology::exponential
use algorithm::exact_diffusion
schedule {
    topology exponential
    algorithm exact_diffusion
}
//// size 8
use topology::ring
algorithm d2(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi)
    }
}
schedule {
    topology ring
    algorithm d2
}
//// size 8
use topology::ring
algorithm clipped {
    requires doubly_stochastic, stable
    state x = params
    step { x <- max(mix(x), 0) }
}
schedule {
    topology ring
    algorithm clipped
}
//// size 12
topology one_peer {
    for t in 0..ceil_log(size, 2) { phase { for i in ranks { i -> (i + 2^t) mod size } } }
    ensure exact_average
}
//// size 8
topology ring {
    for i in ranks { i -- (i + 1) mod size }
    ensure rho < 0.81
    ensure 1 > spectral_gap
    ensure lambda_min >= -1/3
    ensure sigma2 < 0.8
}
//// size 8
topology exploding {
    for i in ranks { i -- (i + 1) mod size }
    weights constant(3/5)
    ensure doubly_stochastic
    ensure contracting
}
