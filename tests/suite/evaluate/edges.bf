//// size 6
topology t { for r in 0..2, c in 0..3 { r * 3 + c -- r * 3 + c + 1 } }
//// size 6
topology t { for i in ranks { i -> i + 1 } }
//// size 6
topology t { for i in ranks { i -> (i + 1/2) mod size } }
//// size 6
topology t {
    for i in ranks { i -> (i + 1) mod size }
    0 -> 3 weight 1/2
}
//// size 6
topology t {
    for i in ranks { i -> (i + 1) mod size weight 1/2 }
    weights uniform
}
//// size 6
topology t { phase { for i in ranks {
    i -> (i + 1) mod size weight 1/2 }
    weights uniform }
}
//// size 6
topology t {
    for i in ranks { i -> (i + 1) mod size }
    weights unifrom
}
//// size 6
topology t {
    for i in ranks { i -> (i + 1) mod size }
    weights metropolis
}
//// size 6
topology t {
    0 -> 1
    weights metropolis
}
//// size 6
topology t {
    for i in ranks { i -- (i + 1) mod size }
    weights constant(-1/3)
}
//// size 6
topology t {
    for i in ranks { i -- (i + 1) mod size }
    weights lazy(metropolis, 2)
}
//// size 6
topology t {
    for i in ranks { i -- (i + 1) mod size }
    weights lazy(metropolis)
}
//// size 6
topology t {
    for i in ranks { i -- (i + 1) mod size }
    weights uniform
    weights metropolis
}
//// size 6
topology t {
    phase { 0 -- 1 }
    2 -- 3
}
//// size 6
topology t { phase { phase { 0 -- 1 } } }
//// size 6
topology t { phase {
    requires size == 6
    0 -- 1 }
}
//// size 6
topology t {
    0 -- 1 weight 1/2
    self 0 weight 1/4
    self 0 weight 1/2
}
//// size 6
topology t {
    for i in ranks { i -> (i + 1) mod size weight 1/2  self i weight 1/2 }
    self 0 weight 1/2
}
//// size 50000000
topology t { for i in 0..10 { i -- i + 1 } }
//// size 1000000
topology t {
    0 -> 1
    for i in ranks, h in 1..100 { i -> (i + h) mod size }
}
//// size 6
// Each part of a statement is looked at.
topology t { 6 -> 7 weight 1/0 }
//// size 6
topology t { for i in ranks { i -> i + 1 mod size } }
//// size 6
topology t { for i in ranks { i -> i + (1 mod size) } }
