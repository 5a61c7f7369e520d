topology de_bruijn(d: int = 2) { for i in ranks, a in 0..d { i -> (d * i + a) mod size weight 1 / d } }
topology kautz(d: int = 2) { for i in ranks, a in 1..d + 1 { i -> (-d * i - a) mod size weight 1 / d } }
topology chung_inverse {
    requires is_prime(size)
    for x in ranks {
        x -> (x + 1) mod size weight 1/3
        x -> (x - 1) mod size weight 1/3
        x -> x^(size - 2) mod size weight 1/3
    }
}
topology margulis {
    let m = floor_sqrt(size)
    requires m^2 == size
    for x in 0..m, y in 0..m, [u, v] in [[x + 2*y, y], [x - 2*y, y], [x + 2*y + 1, y], [x - 2*y - 1, y],
                                         [x, y + 2*x], [x, y - 2*x], [x, y + 2*x + 1], [x, y - 2*x - 1]] {
        m * x + y -> m * (u mod m) + v mod m weight 1/8
    }
}
topology paley {
    requires is_prime(size), size mod 4 == 1
    for i in ranks, x in 1..size { i -- (i + x^2) mod size }
}
topology petersen {
    requires size == 10
    for i in 0..5 {
        i -- (i + 1) mod 5
        i -- 5 + i
        5 + i -- 5 + (i + 2) mod 5
    }
}
topology d_equistatic(shifts: list) {
    for u in shifts, i in ranks { (i + u) mod size -> i weight (size - 1) / (size * len(shifts)) }
}
topology u_equistatic(shifts: list) {
    for u in shifts, i in ranks { (i + u) mod size -- i weight (size - 1) / (2 * size * len(shifts)) }
}
