
use topology::ceca

algorithm ceca_average over W = ceca {
    requires permutation, stable
    let rounds = max(ceil_log(size, 2), 1)
    let e = (size - 1) div 2^(rounds - t mod rounds)
    let bit = (size - 1) div 2^(rounds - t mod rounds - 1) mod 2
    state x = params
    state y = params
    step {
        if bit == 1 {
            let got = mix(x)
            x <- (x + got) / 2
            y <- (e * y + (e + 1) * got) / (2 * e + 1)
        } else {
            let got = mix(y)
            x <- ((e + 1) * x + e * got) / (2 * e + 1)
            y <- (y + got) / 2
        }
    }
}
schedule {
    algorithm ceca_average
}
