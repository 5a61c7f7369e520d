topology torus(dims: list) = cartesian([ring at d for d in dims]) weights uniform
topology grid(dims: list) = cartesian([path at d for d in dims]) weights metropolis
topology torus_by_hand(dims: list) {
    requires product(dims) == size
    for i in ranks, a in 0..len(dims) {
        let s = product(dims[a + 1..])
        let c = i div s mod dims[a]
        i -- i + ((c + 1) mod dims[a] - c) * s
    }
}
fn largest_divisor(n) = max([d for d in 1..floor_sqrt(n) + 1, if n mod d == 0])
topology grid2d(rows: int = largest_divisor(size)) {
    let cols = size / rows
    for r in 0..rows, c in 0..cols {
        if c + 1 < cols { r * cols + c -- r * cols + c + 1 }
        if r + 1 < rows { r * cols + c -- (r + 1) * cols + c }
    }
    weights metropolis
}
