algorithm circle(lr: scalar = 0.1) {
    state x = params
    state y = params
    step {
        let d = y' - y
        x <- mix(x) - lr * d
        y <- mix(y) + x'
    }
}
algorithm itself {
    state x = params
    step {
        x <- mix(x')
    }
}
algorithm lets {
    state x = params
    let a = b + 1
    let b = c * x
    step {
        let c = a
        x <- mix(x)
    }
}
algorithm shadowed {
    state x = params
    let a = b + 1
    let b = 2 - a
    step { x <- a * mix(x) }
}
algorithm open_when_it_matters {
    state x = params
    state y = params
    step {
        x <- if every(2) { y' } else { mix(x) }
        y <- if every(2) { mix(y) } else { x' }
    }
}
algorithm closed_on_one_path {
    state x = params
    state y = params
    step {
        x <- if every(2) { y' } else { mix(x) }
        y <- x'
    }
}
