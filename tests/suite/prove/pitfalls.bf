//// size 12
topology involution {
    requires size == 12
    for i in ranks {
        i -- (i + 1) mod size weight -1/6
        i -- (i + 2) mod size weight -1/6
        i -- (i + 3) mod size weight 1/3
        i -- (i + 4) mod size weight 1/2
        i -- (i + 5) mod size weight -1/6
        i -> (i + 6) mod size weight 1/3
    }
    ensure primitive
}
algorithm average {
    state x = params
    step { x <- mix(x) }
}
schedule {
    topology involution
    algorithm average
}
//// size 8
use topology::ring
algorithm q(lr: scalar = 0.1) {
    requires stable
    state x = params
    step { x <- if t == 0 { mix(x) / t } else { mix(x) } - lr * grad(x) }
}
schedule {
    topology ring
    algorithm q
}
//// size 8
use topology::ring
algorithm gt(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y)
        g <- grad(x')
        y <- mix(y) + g'
    }
}
schedule {
    topology ring
    algorithm gt
}
//// size 8
use topology::ring
algorithm gt(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y)
        g <- grad(x')
        y <- mix(y) + g - g'
    }
}
schedule {
    topology ring
    algorithm gt
}
//// size 8
use topology::ring
algorithm q(lr: scalar = 0.1, beta: scalar = 1) {
    requires doubly_stochastic
    state x = params
    state m = 0
    step { x <- mix(x) - lr/sqrt(t) * grad(x) }
}
schedule {
    topology ring
    algorithm q
}
//// size 8
use topology::ring
algorithm q(lr: scalar = 0.1, beta: scalar = 1) {
    requires doubly_stochastic
    state x = params
    state m = 0
    step { x <- mix(x) - lr*t^2*grad(x) }
}
schedule {
    topology ring
    algorithm q
}
//// size 8
use topology::ring
algorithm q(lr: scalar = 0.1, beta: scalar = 1) {
    requires doubly_stochastic
    state x = params
    state m = 0
    step { x <- mix(x) + lr*grad(x) }
}
schedule {
    topology ring
    algorithm q
}
//// size 3
use topology::star
algorithm q {
    requires stable
    state x = params
    state y = params
    state z = params
    step {
        x <- (1/2) * mix(y) + mix(y)
        y <- (1/12) * mix(mix(z)) + 2 * mix(y)
        z <- (5/6) * mix(mix(x)) + y' + (1/2) * mix(y)
    }
}
schedule {
    topology star
    algorithm q
}
//// size 8
use algorithm::dgd
topology halves {
    for i in 0..3 { i -- i + 1 weight 1/3 }
    for i in 4..7 { i -- i + 1 weight 1/3 }
    0 -- size - 1 weight 1e-30
    ensure contracting
}
schedule {
    topology halves
    algorithm dgd
}
//// size 8
use topology::ring
algorithm relaxed(g: scalar = 1.4999999999999999999999) {
    requires stable
    state x = params
    step { x <- x + g * (mix(x) - x) }
}
schedule {
    topology ring
    algorithm relaxed
}
//// size 8
use topology::ring
algorithm forgetful(lr: scalar = 0.1, beta: scalar = 0.9) {
    requires doubly_stochastic, stable
    state x = params
    state m = 0
    step {
        m <- 0.9 * m + grad(x)
        x <- mix(x)
    }
}
schedule {
    topology ring
    algorithm forgetful
}
//// size 4
topology sub {
    for i in ranks {
        i -> (i + 1) mod size weight 1/10
        self i weight 1/10
    }
    ensure rho <= 1/5
}
algorithm average {
    state x = params
    step { x <- mix(x) }
}
schedule {
    topology sub
    algorithm average
}
