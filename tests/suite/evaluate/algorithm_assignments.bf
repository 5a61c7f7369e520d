algorithm misspelt(lr: scalar = 0.1) {
    state momentum = 0
    state x = params
    let z = x / 2
    step {
        momentun <- grad(x)
        z <- mix(x)
        lr <- lr / 2
        t <- t + 1
        velocity <- x
    }
}
algorithm twice {
    state x = params
    state y = params
    step {
        x <- mix(x)
        if every(2) {
            y <- mix(y)
        } else {
            x <- average(x)
        }
        if t > 3 { y <- x }
    }
}
