algorithm on_a_state {
    state x = params
    state w: scalar = 1
    step {
        w <- mix(w)
        x <- if w > 1/2 { mix(x) } else { x }
    }
}
algorithm on_a_gradient {
    state x = params
    step {
        let g = grad(x)
        if abs(g) < 1 { x <- mix(x) }
    }
}
algorithm on_a_mix {
    state x = params
    state w: scalar = 1
    step {
        x <- if mix(w) == 1 and every(2) { mix(x) } else { x }
    }
}
algorithm on_parameters {
    state x = params
    step { x <- if params == x { mix(x) } else { x } }
}
algorithm in_the_model {
    state x = params
    step { x <- mix(x) }
    model if every(2) { x } else { 2 * x }
}
algorithm at_the_start(lr: scalar = 0.1) {
    state x = if lr > 1 { params } else { 0 }
    step { x <- mix(x) }
}
algorithm too_many {
    state x = params
    step {
        x <- if every(2) or every(3) { x } else { 0 } +
            if every(4) { x } else { 0 } + if every(5) { x } else { 0 } + if every(6) { x } else { 0 } +
            if every(7) { x } else { 0 } + if every(8) { x } else { 0 } + if every(9) { mix(x) } else { 0 }
    }
}
algorithm no_condition {
    state x = params
    step {
        x <- if t { mix(x) } else { x }
        if 3 { x <- 0 }
    }
}
algorithm no_number {
    state x = params
    state y = params
    let sync = every(2)
    step {
        x <- mix(x) + sync
        y <- (x > 0) * y + true
    }
}
