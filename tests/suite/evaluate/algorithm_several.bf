//// size 8
use topology::ring
algorithm bad(lr: scalar = 0.1) {
    state x = params
    state y = param + pi
    let g = grad(y) + 3 * zeta
    step {
        x <- mixx(x, z) - lrr * gradd(x) + foo / bar
        y <- if t > w and t < v { min(abs(u), y) } else { dot(x, q) }
    }
    model x + o
}
schedule {
    topology ring
    algorithm bad
}
