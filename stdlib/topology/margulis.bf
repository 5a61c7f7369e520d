/// The eight neighbours of a place on the grid.
fn steps(x, y) = [
    [x + 2 * y, y], [x - 2 * y, y], [x + 2 * y + 1, y], [x - 2 * y - 1, y],
    [x, y + 2 * x], [x, y - 2 * x], [x, y + 2 * x + 1], [x, y - 2 * x - 1],
]

/// Margulis graph: the ranks are a square grid modulo m = √n, and (x, y) exchanges with (x ± 2y, y), (x ± (2y + 1), y),
/// (x, y ± 2x) and (x, y ± (2x + 1)).
///
/// An explicit expander of degree 8: the spectral gap is at least 1 − 5√2/8 ≈ 0.116 at any size (Margulis 1973;
/// Gabber, Galil, "Explicit constructions of linear-sized superconcentrators", 1981). Each of the eight neighbours
/// has weight 1/8, with multiplicity; symmetric, doubly stochastic.
///
///     bfc analyze topology::margulis --size 100
topology margulis {
    let m = floor_sqrt(size)
    requires m^2 == size
    for x in 0..m, y in 0..m, [u, v] in steps(x, y) {
        m * x + y -> m * (u mod m) + v mod m weight 1/8
    }
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure rho <= 5 * sqrt(2) / 8 if size <= 256
}
