/// The largest divisor of n that is at most its square root: the shorter side of the squarest rectangle.
fn largest_divisor(n) = max([d for d in 1..floor_sqrt(n) + 1, if n mod d == 0])

/// Grid: `rows` × (size / rows) ranks, row by row, each exchanging with those beside, above and below it.
///
/// The default is the squarest rectangle that holds all ranks; at a prime size, it is a path. Metropolis weights 1/(1
/// + the larger degree) (Xiao, Boyd, Lall 2006); symmetric, doubly stochastic. The gap is of order 1/n for a square
/// grid, n⁻² for a path.
///
///     bfc analyze topology::grid2d --size 16
///     bfc analyze topology::grid2d --size 16 --param rows=2
topology grid2d(rows: int = largest_divisor(size)) {
    requires rows >= 1, size mod rows == 0
    let cols = size / rows
    for r in 0..rows, c in 0..cols {
        if c + 1 < cols { r * cols + c -- r * cols + c + 1 }
        if r + 1 < rows { r * cols + c -- (r + 1) * cols + c }
    }
    weights metropolis
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
