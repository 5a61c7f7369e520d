topology od_equidyn(seed: int, eta = 1/2, horizon: int = 1000) {
    for t in 0..horizon {
        let u = 1 + random_int(size - 1, seed, t)
        phase { for i in ranks { (i + u) mod size -> i weight eta * (size - 1) / size } }
    }
}
topology ou_equidyn(seed: int, eta = 1/2, horizon: int = 1000) {
    for t in 0..horizon {
        let u = 1 + random_int(size - 1, seed, 2 * t)
        let s = random_int(size, seed, 2 * t + 1)
        let pairs = matching([[(s + p) mod size, (s + p + u) mod size] for p in ranks])
        phase { for [i, j] in pairs { i -- j weight eta * (size - 1) / size } }
    }
}
topology random_matching(seed: int, horizon: int = 1000) {
    requires size mod 2 == 0
    for t in 0..horizon {
        let order = shuffle(ranks, seed, t * (size - 1))
        phase { for k in 0..size / 2 { order[2 * k] -- order[2 * k + 1] } }
    }
}
fn er_edges(n, p, seed, attempt) {
    let first = attempt * n * (n - 1) / 2
    [[i, j] for i in 0..n, j in i + 1..n, if random(seed, first + i * n - i * (i + 1) / 2 + j - i - 1) < p]
}
fn er_connected(n, p, seed, attempt) {
    let e = er_edges(n, p, seed, attempt)
    if connected(e) { e } else { er_connected(n, p, seed, attempt + 1) }
}
topology erdos_renyi(p, seed: int) {
    for [i, j] in er_connected(size, p, seed, 0) { i -- j }
    weights metropolis
}
topology matcha(base: topology, budget = 1/2, seed: int = 0, horizon: int = 1000) {
    let m = matchings(edges(base))
    let p = matcha_probabilities(m, budget)
    let a = matcha_step(m, p)
    for t in 0..horizon {
        phase { for j in 0..len(m), if random(seed, t * len(m) + j) < p[j], [u, v] in m[j] { u -- v weight a } }
    }
}
