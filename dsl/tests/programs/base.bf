fn clique(g) = [[g[a], g[b], 1 / len(g)] for a in 0..len(g), b in 0..a]
fn parallel(many) = [[e for rounds in many, e in rounds[r]] for r in 0..len(many[0])]
fn cyclic(rounds, m) = if len(rounds) == 0 { [] } else { rounds[m mod len(rounds)] }
fn smooth(n, k) = max([1] ++ prime_factors(n)) <= k + 1
fn factors(n, f) = if n == 1 { [] } else if n mod f == 0 { factors(n div f, f) ++ [f] } else { factors(n, f - 1) }

/// H_k(v): one round for each factor; the nodes that differ in that digit form cliques.
fn hyper(v, k) = digit_cliques(v, factors(len(v), k + 1), 1)
fn digit_cliques(v, fs, s) = if len(fs) == 0 { [] } else {
    let f = fs[0]
    let groups = [[v[a + s * b] for b in 0..f] for a in 0..len(v), if a div s mod f == 0]
    [[e for g in groups, e in clique(g)]] ++ digit_cliques(v, fs[1..], s * f)
}

/// v cut by the base-(k+1) digits of its length; a block cut into its equal pieces.
fn blocks(v, k) = if len(v) == 0 { [] } else {
    let q = (k + 1)^floor_log(len(v), k + 1)
    let m = len(v) div q * q
    [v[0..m]] ++ blocks(v[m..], k)
}
fn pieces(v, k) {
    let q = (k + 1)^floor_log(len(v), k + 1)
    [v[a * q..a * q + q] for a in 0..len(v) div q]
}
fn after(V, l) = sum([len(b) for b in V[l + 1..]])

fn simple_base(v, k) = if smooth(len(v), k) { hyper(v, k) } else {
    let V = blocks(v, k)
    let one = len(hyper(V[0], k))
    let two = len(hyper(pieces(V[0], k)[0], k))
    [[e for l in 0..len(V), e in block_round(V, l, m, one, k)] for m in 0..one + 1 + two]
}
fn block_round(V, l, m, one, k) = if m < one { cyclic(hyper(V[l], k), m) }
    else if m < one + l { give(V, m - one, l, k) }
    else if m == one + l and l + 1 < len(V) { leftover(V, l, k) }
    else {
        let b = if l + 1 < len(V) { m - one - l - 1 } else { m - one - l }
        if len(V[l]) < k + 1 { cyclic(hyper(V[l], k), b) } else { [e for p in pieces(V[l], k), e in cyclic(hyper(p, k), b)] }
    }
/// Every node of block l takes the last free node of each piece of block s; later blocks take theirs first.
fn give(V, s, l, k) {
    let ps = pieces(V[s], k)
    let w = len(V[s]) / (len(V[s]) + after(V, s)) / len(ps)
    [[V[l][i], p[len(p) - 1 - after(V, l) - i], w] for i in 0..len(V[l]), p in ps]
}
fn leftover(V, l, k) {
    let free = [v for p in pieces(V[l], k), v in p[0..len(p) - after(V, l)]]
    [e for a in 0..ceil(len(free) / (k + 1)), e in clique(free[a * (k + 1)..min(len(free), a * (k + 1) + k + 1)])]
}

topology hyper_hypercube(k: int = 1) {
    requires smooth(size, k)
    for round in hyper(ranks, k) { phase { for [i, j, w] in round { i -- j weight w } } }
}
topology simple_base_graph(k: int = 1) {
    for round in simple_base(ranks, k) { phase { for [i, j, w] in round { i -- j weight w } } }
    ensure exact_average
}
/// Base-(k+1) graph, Takezawa et al., NeurIPS 2023: exact average at any size, degree at most k.
topology base(k: int = 1) {
    let p = gcd(size, product([q^floor_log(size, q) for q in 2..min(k + 2, size + 1)]))
    let q = size / p
    let inner = parallel([simple_base(q * i..q * i + q, k) for i in 0..p])
    let outer = parallel([hyper([q * i + j for i in 0..p], k) for j in 0..q])
    let plain = simple_base(ranks, k)
    let rounds = if len(plain) < len(inner) + len(outer) { plain } else { inner ++ outer }
    for round in rounds { phase { for [i, j, w] in round { i -- j weight w } } }
    ensure exact_average
}
