//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
//// size 2
topology ring { for i in ranks { i -- (i + 1) mod size } }
//// size 1
topology ring {
    requires size > 1
    for i in ranks { i -- (i + 1) mod size }
}
//// size 4
topology idle { }
//// size 4
topology path { for i in 0..size - 1 { i -- i + 1 } }
//// size 4
topology one_way {
    0 -> 1
    1 -> 2
    1 -> 3
}
//// size 4
topology one_way {
    0 -> 1
    1 -> 2
    1 -> 3
    weights sender_uniform
}
//// size 4
topology star { for i in 1..size {
    0 -- i }
    weights max_degree
}
//// size 4
topology star { for i in 1..size {
    0 -- i }
    weights constant(1/10)
}
//// size 4
topology star { for i in 1..size {
    0 -- i }
    weights lazy(metropolis, 1/2)
}
//// size 4
topology de_bruijn(d: int = 2) { for i in ranks, a in 0..d { i -> (d * i + a) mod size weight 1 / d } }
//// size 4
// Weights of several edges between the same ranks add up; unweighted edges form a set.
topology twice { for i in ranks, h in [1, 1, 3] { i -> (i + h) mod size weight 1/8 } }
//// size 4
topology once { for i in ranks, h in [1, 1, 5] { i -> (i + h) mod size } }
//// size 4
topology tree_pull(b: int = 2) { for i in 1..size { (i - 1) div b -> i weight 1 } }
//// size 4
topology signs { for i in ranks {
    i -> (i + 1) mod size weight -1/4
    i -> (i + 3) mod size weight 1/4 }
}
//// size 4
topology held { for i in ranks {
    i -> (i + 1) mod size weight 1/4
    self i weight 3/4 }
}
//// size 4
topology mixed {
    phase { for i in ranks { i -> (i + 1) mod size }  weights lazy(uniform, 1/2) }
    phase { for i in ranks { i -- i xor 2 } }
    phase { 0 -- 3 }
    weights uniform
}
//// size 6
// Both phases in one group: digits of 2 × 3.
topology grid {
    phase { for i in ranks { i -> i div 3 * 3 + (i mod 3 + 1) mod 3 } }
    phase { for i in ranks { i -- (i + 3) mod 6 } }
}
//// size 4
topology e(base: int = 2) { for i in ranks, k in 0..ceil_log(size, base) { i -> (i + base^k) mod size } }
topology alias = e(3) weights lazy(uniform, 1/3)
schedule { topology alias }
//// size 4 --param base=3 --param topology.seed=2
topology e(base: int = 2, seed: int) { for i in ranks { i -> (i + base * seed) mod size } }
