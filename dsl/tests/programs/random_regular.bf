fn regular_edges(n, d, seed, attempt) {
    let s = shuffle([i for i in 0..n, c in 0..d], seed, attempt * (n * d - 1))
    let e = [[min(s[2*k], s[2*k + 1]), max(s[2*k], s[2*k + 1])] for k in 0..n * d / 2]
    if simple(sort(e)) and connected(e) { e } else { regular_edges(n, d, seed, attempt + 1) }
}
fn simple(e) = len([k for k in 0..len(e), if e[k][0] == e[k][1] or k > 0 and e[k] == e[max(k - 1, 0)]]) == 0
topology random_regular(degree: int, seed: int) { for [i, j] in regular_edges(size, degree, seed, 0) { i -- j } }
