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
//// size 8
use topology::ring
algorithm never_mixes(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- x - lr * grad(x) }
}
schedule {
    topology ring
    algorithm never_mixes
}
//// size 8
use topology::ring
algorithm sums_gradients(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- m + grad(x)
        x <- mix(x - lr * m')
    }
}
schedule {
    topology ring
    algorithm sums_gradients
}
//// size 4
use topology::ring
algorithm underflows {
    requires doubly_stochastic, stable
    state x = params
    step { x <- (if t mod 5 < 2 { 1 / 10^200 } else { 10^150 }) * mix(x) }
}
schedule {
    topology ring
    algorithm underflows
}
//// size 4
topology matchings {
    phase { 0 -- 1
            2 -- 3 }
    phase { 1 -- 2 }
}
algorithm halves_and_doubles {
    requires doubly_stochastic, stable
    state x = params
    step {
        if t mod 2400 == 2399 { x <- mix(x) } else { x <- (if t mod 2400 < 1100 { 1/2 } else { 2 }) * x }
    }
}
schedule {
    topology matchings
    algorithm halves_and_doubles
}
//// size 2
topology once {
    phase { 0 -- 1 }
    phase {
        self 0 weight 1/7
        self 1 weight 1/7
        0 -> 1 weight 1/2
        1 -> 0 weight 1/2
    }
    ensure asymptotic_rate == 0
}
//// size 4
topology lossy {
    for i in ranks {
        i -> (i + 1) mod size weight 1/7
        self i weight 1/4
    }
    ensure rho > 1/2
}
//// size 8
topology growing { for i in ranks { i -> (i + 1) mod size weight -1/2 } }
use algorithm::push_sum
schedule {
    topology growing
    algorithm push_sum
}
//// size 8
use topology::ring
algorithm amplified(gain: scalar = 5/4, lr: scalar = 0.1) {
    requires stable
    state x = params
    step { x <- gain * mix(x) - (gain - 1) * average(x) - lr * grad(x) }
}
schedule {
    topology ring
    algorithm amplified
}
//// size 4
use algorithm::dgd
topology imported {
    for [i, j, w] in [[0, 1, 0.3333333333333333], [1, 2, 0.3333333333333333], [2, 3, 0.25], [3, 0, 0.3333333333333333]] {
        i -- j weight w
    }
    1 -> 0 weight 1e-16
}
schedule {
    topology imported
    algorithm dgd
}
//// size 4
use algorithm::dgd
topology biased {
    0 -- 1 weight 1/3
    1 -- 2 weight 1/3
    2 -> 3 weight 1/3
    3 -> 2 weight 1/4
}
schedule {
    topology biased
    algorithm dgd
}
