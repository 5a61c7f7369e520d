use topology::ring
algorithm diloco(outer: real = 0.7, mu: real = 0.9, H: int = 500) {
    state x = params
    state anchor = params
    state b = 0
    step {
        let y = adapt(x)
        if every(H) {
            let d = anchor - average(y)
            b <- mu * b + d
            anchor <- anchor - outer * (d + mu * b')
            x <- anchor'
        } else {
            x <- y
        }
    }
}
schedule {
    topology  ring
    algorithm diloco(H = 50)
}
