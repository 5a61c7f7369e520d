topology ceca {
    let m = ceil_log(size, 2)
    for r in 0..m {
        let e = (size - 1) div 2^(m - r)
        let bit = (size - 1) div 2^(m - r - 1) mod 2
        phase { for i in ranks { i -> (i + e + bit) mod size weight 1 } }
    }
}
algorithm ceca_average over W = ceca {
    requires permutation
    let m = ceil_log(size, 2)
    let e = (size - 1) div 2^(m - t mod m)
    let bit = (size - 1) div 2^(m - t mod m - 1) mod 2
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
