//// size 8
use topology::ring
use algorithm::d2
schedule {
    topology ring
    algorithm d2
}
//// size 8
use algorithm::d2
topology own { for i in ranks { i -- (i + 1) mod size } }
schedule {
    topology own
    algorithm d2
}
//// size 8
use topology::star
use algorithm::dgd
schedule {
    topology lazy(star, 3/2)
    algorithm dgd
}
//// size 9 --param topology.base=3
use topology::exponential
use algorithm::d2
schedule {
    topology exponential
    algorithm d2
}
//// size 8
use topology::one_peer_exp2
use algorithm::d_admm
schedule {
    topology one_peer_exp2
    algorithm d_admm
}
//// size 8
use topology::tree_pull
use algorithm::d_admm
schedule {
    topology tree_pull
    algorithm d_admm
}
//// size 8
use topology::tree_push
use algorithm::exact_diffusion
schedule {
    topology W = tree_push
    algorithm exact_diffusion
}
//// size 8 --param gain=3/2
use topology::ring
algorithm damped(gain: scalar = 2/5) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- x - gain * (x - mix(x)) * 2 }
}
schedule {
    topology ring
    algorithm damped
}
//// size 8
use topology::ring
algorithm damped(gain: scalar = 2/5) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- x - gain * (x - mix(x)) * 2 }
}
schedule {
    topology ring
    algorithm damped(gain = 3/2)
}
//// size 8
algorithm asked {
    requires doubly_stochastic, contracting
    state x = params
    step { x <- mix(x) }
}
topology thirds {
    for i in ranks {
        i -- (i + 1) mod size weight 0.3333333333333333
        self i weight 0.3333333333333333
    }
}
schedule {
    topology thirds
    algorithm asked
}
//// size 8
use topology::ring
algorithm late {
    requires stable
    state x = params
    step { x <- 2 * mix(x, delay = 5) }
}
schedule {
    topology ring
    algorithm late
}
//// size 4
use topology::ring
algorithm huge {
    requires stable
    state x = params
    step { x <- 10^122 * mix(x) }
}
schedule {
    topology ring
    algorithm huge
}
