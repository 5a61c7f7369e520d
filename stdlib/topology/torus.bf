use topology::ring

/// The largest divisor d of n with d^axes at most n.
fn side(n, axes) = max([d for d in 1..floor_sqrt(n) + 1, if n mod d == 0 and d^axes <= n] ++ [1])

/// Sides whose product is n, ascending, chosen greedily to be as equal as possible.
fn sides(n, axes) = if axes == 1 { [n] } else { [side(n, axes)] ++ sides(n div side(n, axes), axes - 1) }

/// Torus of any dimension: a grid of `dims` ranks whose lines are rings; the last side varies fastest.
///
/// By default, three sides that are as equal as possible. Weights 1/(degree + 1), the same for all; symmetric, doubly
/// stochastic. With k sides of at least 3 the spectral gap is (2/(2k + 1))(1 − cos(2π/longest side)), of order
/// n^(−2/k), with 2k neighbours (the Cartesian product of rings: Sabidussi, "Graph multiplication", 1959). Along a
/// side of 2, a rank has one neighbour instead of two; along a side of 1, none.
///
///     bfc analyze topology::torus --size 1000
///     bfc analyze topology::torus --size 24 --param dims=[2,3,4]
topology torus(dims: list = sides(size, 3)) {
    requires product(dims) == size
    phases cartesian([ring at d for d in dims])
    weights uniform
    ensure symmetric
    ensure doubly_stochastic
    ensure contracting
    ensure max_in_degree <= 2 * len(dims)
}
