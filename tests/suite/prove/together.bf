//// size 4
algorithm two over R, C {
    requires row_stochastic(R), row_stochastic(C)
    state x = params
    step { x <- mix(mix(x, R), C) }
}
topology rounded {
    for i in ranks {
        i -> (i + 1) mod size weight 0.3333333333
        self i weight 0.6666666666
    }
}
topology fair { for i in ranks { i -> (i + 1) mod size } }
schedule {
    topology R = rounded, C = fair
    algorithm two
}
//// size 8
use topology::ring
algorithm damped(beta: scalar = 0) {
    requires doubly_stochastic, stable
    state x = params
    step { x <- mix(x) + beta * x }
}
schedule {
    topology ring
    algorithm damped
}
//// size 100000
topology lossy {
    for i in ranks {
        i -> (i + 1) mod size weight 1/7
        self i weight 1/4
    }
    ensure rho > 1/2
}
