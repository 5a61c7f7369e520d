algorithm names(lr: scalar = 0.1, momentum: real = 0.9) {
    requires doubly_stochastic
    state velocity = 0
    state x = params
    step {
        velocity <- momentun * velocity + grd(x)
        x <- mix(x) - lr * velcity' - grad
    }
}
algorithm defined_twice(x: real = 1, size: int = 3) {
    state x = params
    state t = 0
    let y = 1
    let y = 2
    step {
        let x = 3
        let [a, a] = [1, 2]
        if every(2) { let a = 4 }
    }
    step { }
    model y
    model x
}
algorithm empty { }
algorithm kinds(a: integer = 1, b: int = 1/2, c: bool = 3, d: real) {
    state x: vektor = params
    step { x <- mix(x) }
}
fn scaled(v, by) = v * by
algorithm calls {
    state x = params
    step {
        x <- scaled(mix(x)) + scaled(x, 2, 3) + scaled(x, bye = 2)
    }
}
algorithm more_calls {
    state x = params
    state y = params
    state z = params
    state u = params
    step {
        x <- mix()
        y <- grad(y, y)
        z <- adapt(z, directon = y)
        u <- sqrt(u, 2) + every()
    }
}
