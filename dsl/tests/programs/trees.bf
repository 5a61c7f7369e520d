topology chordal_ring(s: int = floor_sqrt(size)) { for i in ranks, h in [1, s] { i -- (i + h) mod size } }
topology hypercube {
    requires is_power(size, 2)
    for i in ranks, b in 0..floor_log(size, 2) { i -- i xor 2^b }
}
topology exponential(base: int = 2) { for i in ranks, k in 0..ceil_log(size, base) { i -> (i + base^k) mod size } }
topology exponential_symmetric(base: int = 4) {
    for i in ranks, h in 1..size, if is_power(min(h, size - h), base) { i -> (i + h) mod size }
}
topology complete_bipartite {
    requires size mod 2 == 0
    for i in 0..size / 2, j in size / 2..size { i -- j }
}
topology barbell {
    requires size mod 2 == 0
    let h = size / 2
    for i in 0..h, j in 0..i {
        i -- j
        h + i -- h + j
    }
    0 -- h
}
topology binary_tree { for i in 1..size { i -- (i - 1) div 2 } }
topology binary_tree_relay { for i in 1..size { i -- i div 2 } }
