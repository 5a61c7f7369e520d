use topology::grid2d::{largest_divisor}

/// Torus: a grid of `rows` × (size / rows) ranks whose rows and columns are rings.
///
/// The default is the squarest one. Weights 1/(degree + 1), the same for all; symmetric, doubly stochastic. With both
/// sides at least 3 the spectral gap is (2/5)(1 − cos(2π/side)) for the longer side. Along a side of 2, a rank has
/// one neighbour instead of two; along a side of 1, none.
///
///     bfc analyze topology::torus2d --size 16
///     bfc analyze topology::torus2d --size 24 --param rows=2
topology torus2d(rows: int = largest_divisor(size)) {
    requires rows >= 1, size mod rows == 0
    let cols = size / rows
    for i in ranks {
        let r = i div cols
        let c = i mod cols
        i -- r * cols + (c + 1) mod cols
        i -- (r + 1) mod rows * cols + c
    }
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
}
