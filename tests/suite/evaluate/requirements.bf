//// size 12
topology t {
    requires is_power(size, 2), size mod 5 == 0 and true
    for i in ranks { i -- i xor 1 }
}
//// size 12
topology t(dims: list = [2, 5]) {
    requires product(dims) == size
    for i in ranks { i -- (i + 1) mod size }
}
//// size 12
topology t(m: int = 3) {
    requires not (m == 3), m > 4 or m < 2
}
//// size 4
topology t {
    for i in ranks { i -- (i + 1) mod size }
    ensure rho(s) < 1
    ensure 1 - rho < 1
}
//// size 4
topology t {
    for i in ranks { i -- (i + 1) mod size }
    ensure 1 - rho < 1
}
//// size 4
topology t {
    for i in ranks { i -> (i + 1) mod size }
    ensure symmetric
    ensure exact_average
    ensure symmetric if size == 2
    ensure connected and primitive if size == 3
}
//// size 4
use topology::ring
algorithm a over R, C {
    requires row_stochastic, contracting(R), common_root
    state x = params
    step { x <- mix(x, R) / 2 + mix(x, C) / 2 }
}
schedule {
    topology R = ring, C = ring
    algorithm a
}
//// size 4
use topology::star
algorithm a {
    requires symmetric, rho < 1/2
    state x = params
    step { x <- mix(x) }
}
schedule {
    topology star
    algorithm a
}
//// size 8
use algorithm::dgd
topology hub {
    for i in ranks { i -> (i + 1) mod size }
    0 -> 3
}
schedule {
    topology hub
    algorithm dgd
}
//// size 8
use topology::hypercube
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
    topology hypercube
    algorithm d2
}
//// size 8
use algorithm::dgd
topology shifted { for i in ranks { i -> (i + 1) mod size weight 1 } }
schedule {
    topology shifted
    algorithm dgd
}
//// size 8
use topology::exponential
use algorithm::gradient_tracking
schedule {
    topology exponential
    algorithm gradient_tracking(lr = 0.2)
}
//// size 8
use topology::erdos_renyi
schedule { topology erdos_renyi(p = 0.001) }
