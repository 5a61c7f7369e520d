/// An edge, the smaller end first.
fn edge(a, b) = [min(a, b), max(a, b)]

/// Each rank d times, in random order, taken in pairs: the configuration model (Bollobás 1980).
fn pairing(n, d, seed, attempt) {
    let ends = shuffle([i for i in 0..n, copy in 0..d], seed, attempt, 0)
    sort([edge(ends[2 * k], ends[2 * k + 1]) for k in 0..n * d / 2])
}

/// The pairs without self loops and repetitions.
fn simple(pairs) = [pairs[k] for k in 0..len(pairs),
    if pairs[k][0] != pairs[k][1] and (k == 0 or pairs[k] != pairs[k - 1])]

/// The pairs that `simple` drops.
fn surplus(pairs) = [pairs[k] for k in 0..len(pairs),
    if pairs[k][0] == pairs[k][1] or k > 0 and pairs[k] == pairs[k - 1]]

/// A switch replaces a bad pair [u, v] and a random edge [x, y] by the edges [u, x] and [v, y], if both are new. The
/// result is empty if no switch is found for a long time.
fn repair(edges, bad, seed, attempt, draw) = if len(bad) == 0 {
    edges
} else if len(edges) == 0 or draw > 40 * len(edges) {
    []
} else {
    let [u, v] = bad[0]
    let k = random_int(len(edges), seed, attempt, 1, 2 * draw)
    let [x, y] = if random_int(2, seed, attempt, 1, 2 * draw + 1) == 0 { edges[k] } else { reversed(edges[k]) }
    let one = edge(u, x)
    let two = edge(v, y)
    if u == x or v == y or one == two or contains(edges, one) or contains(edges, two) {
        repair(edges, bad, seed, attempt, draw + 1)
    } else {
        repair(edges[..k] ++ edges[k + 1..] ++ [one, two], bad[1..], seed, attempt, draw + 1)
    }
}

/// The edges of a graph in which every rank has d neighbours; connected, if requested.
fn regular(n, d, whole, seed, attempt) {
    let pairs = pairing(n, d, seed, attempt)
    let edges = repair(simple(pairs), surplus(pairs), seed, attempt, 0)
    if len(edges) == n * d / 2 and (not whole or connected(edges)) {
        edges
    } else {
        regular(n, d, whole, seed, attempt + 1)
    }
}

/// If every rank has most of the others as neighbours, the complement is drawn instead.
fn regular_edges(n, d, seed) = if 2 * d < n { regular(n, d, true, seed, 0) } else {
    without([[i, j] for i in 0..n, j in i + 1..n], regular(n, n - 1 - d, false, seed, 0))
}

/// Random regular graph: every rank exchanges with `degree` others; the same seed gives the same graph on every
/// machine.
///
/// A seeded pairing whose bad pairs are repaired by seeded switches, connected. Weights 1/(degree + 1); symmetric,
/// doubly stochastic. An expander: the spectral gap stays near 1 − (1 + 2√(degree − 1))/(degree + 1) at any size
/// (Friedman, "A proof of Alon's second eigenvalue conjecture", 2008).
///
///     bfc analyze topology::random_regular --size 64 --param degree=6 --param seed=2
topology random_regular(degree: int = 4, seed: int = 1) {
    requires degree < size, size * degree mod 2 == 0, degree >= 2 or degree == 1 and size == 2
    for [i, j] in regular_edges(size, degree, seed) { i -- j }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree == degree
}
