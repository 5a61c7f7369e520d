//// size 4
algorithm alone {
    requires doubly_stochastic
    state x = params
    step { x <- x }
}
//// size 4
algorithm alone(lr: scalar = 0.1) {
    requires lr > 0, rho < 1
    state x = params
    step { x <- x - lr * grad(x) }
}
//// size 4
algorithm alone(lr: scalar = 0.1) over R, C {
    requires common_root(R, C)
    state x = params
    step { x <- x - lr * grad(x) }
}
//// size 4
use topology::ring
algorithm alone(lr: scalar = 0.1) {
    requires rho < 1, doubly_stochastic
    state x = params
    step { x <- x - lr * grad(x) }
}
schedule {
    topology ring
    algorithm alone
}
//// size 4
use topology::ring
algorithm never(lr: scalar = 0.1) {
    requires doubly_stochastic
    state x = params
    step { x <- if t < 0 { mix(x) } else { x } - lr * grad(x) }
}
schedule {
    topology ring
    algorithm never
}
//// size 4
algorithm averages(lr: scalar = 0.1) {
    requires doubly_stochastic
    state x = params
    step { x <- average(x) - lr * grad(x) }
}
//// size 4
algorithm computes(lr: scalar = 0.1) {
    state x = params
    step { x <- rho(W) * average(x) - lr * grad(x) }
}
//// size 4
use topology::ring
algorithm averages(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- average(x) - lr * grad(x) }
}
schedule {
    topology ring
    algorithm averages
}
//// size 4
algorithm alone(lr: scalar = 0.1) {
    state x = params
    step { x <- x - lr * grad(x) }
}
//// size 1
algorithm alone(lr: scalar = 0.1) {
    state x = params
    step { x <- x - lr * grad(x) }
}
//// size 4
use topology::ring
algorithm once(lr: scalar = 0.1) {
    requires doubly_stochastic
    state x = params
    step { x <- if t < 3 { mix(x) } else { x } - lr * grad(x) }
}
schedule {
    topology ring
    algorithm once
}
