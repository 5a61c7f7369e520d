use topology::ceca

/// CECA, exact averaging in ⌈log₂ n⌉ steps at any size, without training; it includes its topology.
///
/// Every rank carries x, the mean over all ranks it has heard from including itself, and y, the same without itself.
/// Bit by bit of n − 1 from the highest, with e = 0 at first and e ← 2 e + bit after each: for a bit 1, x is sent, x
/// ← (x + got) / 2 and y ← (e y + (e + 1) got) / (2 e + 1); for a bit 0, y is sent, x ← ((e + 1) x + e got) / (2 e +
/// 1) and y ← (y + got) / 2. No schedule with one message out and one in averages in fewer steps. `stable` is decided
/// for both together: the radius is 0 over ⌈log₂ n⌉ steps. One message per step, one extra state (Ding, Jin, Jiao,
/// Ying and Yuan, "DSGD-CECA: decentralized SGD with communication-optimal exact consensus algorithm", 2023).
///
///     use algorithm::ceca_average
///     schedule {
///         algorithm ceca_average
///     }
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
