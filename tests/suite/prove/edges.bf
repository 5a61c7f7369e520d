//// size 8
topology rotation { for i in ranks { i -> (i + 1) mod size } }
algorithm told {
    state x = params
    edge m = 0
    step {
        m <- x
        x <- incoming(m)
    }
}
schedule {
    topology rotation
    algorithm told
}
//// size 8
use topology::one_peer_hypercube
algorithm told {
    state x = params
    edge m = 0
    step {
        m <- x
        x <- incoming(m)
    }
}
schedule {
    topology one_peer_hypercube
    algorithm told
}
//// size 8
use topology::ring
use algorithm::relay_sgd
schedule {
    topology ring
    algorithm relay_sgd
}
//// size 8
use topology::ring
algorithm late {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x, delay = 2) }
}
schedule {
    topology ring
    algorithm late
}
//// size 8
use topology::star
algorithm late {
    requires row_stochastic, stable
    state x = params
    step { x <- mix(x, delay = 2) }
}
schedule {
    topology star
    algorithm late
}
//// size 8
use topology::ring
algorithm asked {
    requires stable
    state x = params
    step { x <- prox(x, degree) + incoming(x) / (1 + dot(x, x)) }
}
schedule {
    topology ring
    algorithm asked
}
