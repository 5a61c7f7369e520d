//// size 5
topology ring {
    for i in ranks { i -- (i + 1) mod size }
    weights best_constant
    ensure doubly_stochastic
}
//// size 8
topology chords {
    for i in ranks { i -- (i + 1) mod size
                     i -> (i + size / 2) mod size }
    weights fastest
    ensure symmetric
    ensure rho < 1/2
}
//// size 4
topology star {
    for i in 1..size { 0 -- i }
    weights best_constant
}
//// size 4
topology star {
    for i in 1..size { 0 -- i }
    weights fastest(nonnegative)
    ensure nonnegative
    ensure doubly_stochastic
}
//// size 4
topology path {
    for i in 1..size { i - 1 -- i }
    weights lazy(fastest, 1/2)
}
//// size 4
topology two_pairs {
    phase {
        0 -- 1
        2 -- 3
    }
    phase {
        0 -- 2
        1 -- 3
    }
    weights fastest
    ensure exact_average
}
//// size 4
topology one_way {
    0 -> 1
    1 -- 2
    2 -- 3
    weights fastest
}
//// size 6
topology ring {
    for i in ranks { i -> (i + 1) mod size }
    weights best_constant
}
//// size 4
topology ring {
    for i in ranks { i -- (i + 1) mod size }
    weights fastest(negative)
}
//// size 800
topology large {
    for i in ranks, j in 0..i { if (i + j * j) mod 5 < 2 { i -- j } }
    weights fastest
}
//// size 4
topology kept {
    phase {
        for i in 1..size { 0 -- i }
        weights fastest
    }
    phase {
        for i in 1..size { i - 1 -- i }
        weights fastest
    }
}
topology t = lazy(kept, 1/2)
schedule { topology t }
//// size 4
topology inner {
    for i in 1..size { i - 1 -- i }
    weights fastest
}
topology only_edges = symmetrize(inner) weights metropolis
schedule { topology only_edges }
//// size 4
topology inner {
    for i in 1..size { i - 1 -- i }
    weights fastest
}
topology listed {
    for [i, j] in edges(inner) { i -> j }
    weights uniform
}
schedule { topology listed }
//// size 4
topology activated {
    let m = [[[0, 1], [2, 3]], [[1, 2]]]
    let a = matcha_step(m, matcha_probabilities(m, 3/4))
    for i in 1..size { i - 1 -- i weight a }
}
