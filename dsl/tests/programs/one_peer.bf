topology one_peer_exp2 {
    for t in 0..ceil_log(size, 2) {
        phase { for i in ranks { i -> (i + 2^t) mod size } }
    }
    weights uniform
    ensure exact_average if is_power(size, 2)
}
topology one_peer_hypercube {
    requires is_power(size, 2)
    for b in 0..floor_log(size, 2) { phase { for i in ranks { i -- i xor 2^b } } }
}
topology p_peer_exp(p: int = 2) {
    for t in 0..ceil_log(size, p + 1) {
        phase { for i in ranks, j in 1..p + 1 { i -> (i + j * (p + 1)^t) mod size weight 1 / (p + 1) } }
    }
}
topology bipartite_exp {
    requires size mod 2 == 0
    for p in 1..floor_log(size - 1, 2) + 1 {
        phase { for i in ranks, if i mod 2 == 1 { i -- (i + 2^p - 1) mod size } }
    }
}
topology ring_matching {
    requires size mod 2 == 0
    for parity in 0..2 { phase { for i in ranks, if i mod 2 == parity { i -- (i + 1) mod size } } }
}
topology local(period: int) = concat([idle for i in 1..period] ++ [complete])
