use topology::hyper_hypercube::{smooth, clique, hyper_rounds}

/// v, split by the digits of its length in base k + 1, the highest first: block l has a_l (k + 1)^p_l ranks.
fn blocks(v, k) = if len(v) == 0 { [] } else {
    let unit = (k + 1)^floor_log(len(v), k + 1)
    let whole = len(v) div unit * unit
    [v[..whole]] ++ blocks(v[whole..], k)
}

/// A block, split into its a_l pieces of (k + 1)^p_l ranks.
fn pieces(v, k) {
    let unit = (k + 1)^floor_log(len(v), k + 1)
    [v[a * unit..a * unit + unit] for a in 0..len(v) div unit]
}

/// The rounds that average each piece of a block, or the whole block if it is shorter than a piece.
fn part_rounds(block, k) {
    let parts = if len(block) < k + 1 { [block] } else { pieces(block, k) }
    [hyper_rounds(part, k) for part in parts]
}

/// The number of ranks in the blocks after block l.
fn after(V, l) = sum([len(block) for block in V[l + 1..]])

/// Round m of rounds that repeat.
fn cyclic(rounds, m) = if len(rounds) == 0 { [] } else { rounds[m mod len(rounds)] }

/// The rounds of the simple base graph on a list of ranks, as lists of [rank, rank, weight].
fn simple_base_rounds(v, k) = if smooth(len(v), k) { hyper_rounds(v, k) } else {
    let V = blocks(v, k)
    let whole = [hyper_rounds(block, k) for block in V]
    let parts = [part_rounds(block, k) for block in V]
    let first = len(whole[0])
    let last = len(parts[0][0])
    [[e for l in 0..len(V), e in block_round(V, l, m, whole[l], parts[l], first, k)] for m in 0..first + 1 + last]
}

/// What block l does in round m: it averages by the rounds `whole`, then meets each earlier block, then averages its
/// leftover ranks, then averages its pieces by the rounds in `parts`.
fn block_round(V, l, m, whole, parts, first, k) = if m < first {
    cyclic(whole, m)
} else if m < first + l {
    meeting(V, m - first, l, k)
} else if m == first + l and l + 1 < len(V) {
    leftover(V, l, k)
} else {
    let turn = m - first - l - (if l + 1 < len(V) { 1 } else { 0 })
    [e for part in parts, e in cyclic(part, turn)]
}

/// Each rank of block l meets the last free rank of each piece of block s; later blocks choose first.
fn meeting(V, s, l, k) {
    let hosts = pieces(V[s], k)
    let weight = len(V[s]) / (len(V[s]) + after(V, s)) / len(hosts)
    let taken = after(V, l) + 1
    [[V[l][i], host[len(host) - taken - i], weight] for i in 0..len(V[l]), host in hosts]
}

/// Ranks of block l that no later block uses average in groups of k + 1.
fn leftover(V, l, k) {
    let taken = after(V, l)
    let free = [rank for piece in pieces(V[l], k), rank in piece[..len(piece) - taken]]
    let groups = ceil(len(free) / (k + 1))
    [e for a in 0..groups, e in clique(free[a * (k + 1)..min(len(free), (a + 1) * (k + 1))])]
}

/// Simple base-(k + 1) graph: exact average at any size with at most k neighbours per step.
///
/// The ranks are split into blocks by the digits of the size in base k + 1. All blocks average by hyper-hypercubes;
/// then each later block meets the earlier ones, with weights that give every piece the mean of all; then the pieces
/// average. A period has 2p + 1 steps, or 2p + 2 if the leading digit is above 1, for p = ⌊log n⌋ to base k + 1;
/// fewer if all prime factors of the size are at most k + 1 (Takezawa, Sato, Bao, Niwa, Yamada, "Beyond exponential
/// graph", NeurIPS 2023). Symmetric, doubly stochastic, exact in rationals.
///
///     bfc analyze topology::simple_base --size 7
///     bfc analyze topology::simple_base --size 33 --param k=2
topology simple_base(k: int = 1) {
    requires k >= 1
    for round in simple_base_rounds(ranks, k) { phase { for [i, j, w] in round { i -- j weight w } } }
    ensure symmetric
    ensure nonnegative
    ensure exact_average
    ensure max_in_degree <= k
}
