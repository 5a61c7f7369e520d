//// size 0
topology t { }
//// size 6 --local-size 4
topology t { for i in 0..machines { i -- i + 1 } }
//// size 6 --local-size 3
topology t { for i in 1..machines { 0 -- i * local_size } }
//// size 4
use topology::ring
use algorithm::dgd
schedule {
    topology ring
    algorithm dgd
}
schedule { topology ring }
//// size 4
use topology::ring
use algorithm::dgd
schedule {
    topology ring
    algorithm dgd
    algorithm dgd(lr = 1)
}
//// size 4
use topology::ring
schedule { topology 1 + 2 }
//// size 4
use topology::ring
schedule {
    topology ring
    algorithm [1]
}
//// size 4
algorithm a {
    state x = params
    step { x <- mix(x) }
}
//// size 4
use topology::ring
algorithm a over R, C {
    state x = params
    step { x <- mix(x, R) + mix(x, C) }
}
schedule {
    topology R = ring, D = ring
    algorithm a
}
//// size 4
use topology::ring
algorithm a over R, C = ring {
    state x = params
    step { x <- mix(x, R) - mix(x, C) }
}
schedule {
    topology R = ring, C = ring, D = ring
    algorithm a
}
//// size 4 --param bas=3
use topology::exponential
schedule { topology exponential }
//// size 4 --param base=x --param seed=[1
use topology::exponential
schedule { topology exponential }
//// size 4 --param base=1/2
use topology::exponential
schedule { topology exponential }
//// size 4 --param lr=2
topology t(lr: int = 1) { for i in ranks { i -> (i + lr) mod size } }
algorithm a(lr: scalar = 1) {
    state x = params
    step { x <- mix(x) - lr * grad(x) }
}
schedule {
    topology t
    algorithm a
}
//// size 4
topology t(seed: int) { for i in ranks { i -> (i + seed) mod size } }
//// size 4
// A schedule leaves nothing open.
use algorithm::dgd
schedule { algorithm dgd }
//// size 9 --param base=2 --param topology.base=3
use topology::exponential
schedule { topology exponential }
//// size 8
use topology::ring
use topology::star
algorithm both over A, B {
    state x = params
    step { x <- mix(mix(x, A), B) }
}
schedule {
    topology ring, star
    algorithm both
}
//// size 8
use topology::ring
algorithm both over A, B {
    requires doubly_stochastic, rho < 1
    state x = params
    step { x <- mix(mix(x, A), B) }
}
schedule {
    topology A = ring, B = ring
    algorithm both
}
