algorithm later_state {
    state g = grad(x)
    state x = params
    step { x <- mix(x) - g }
}
algorithm primes {
    state x = params
    state y = x'
    let d = x' - x
    step {
        let s = x + 1
        x <- mix(x)
        y <- d' + s
    }
    model x'
}
algorithm primed_in_the_step {
    state x = params
    step {
        let s = x + 1
        let f = [s' for s in [1, 2]]
        let g = {
            let k = x
            k'
        }
        x <- mix(x) + s'
    }
}
algorithm calls(lr: scalar = 0.1) {
    state x = adapt(params)
    step { x <- mix(x) }
    model x - lr * grad(x) + mix(x) + average(x)
}
