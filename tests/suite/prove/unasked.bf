//// size 8
topology hub {
    for i in 1..size { 0 -- i }
    weights uniform
}
//// size 4
topology halves {
    0 -- 1
    2 -- 3
}
//// size 4
topology pull { for i in 1..size { i - 1 -> i weight 1 } }
//// size 4
topology push {
    for i in ranks { i -> (i + 1) mod size }
    0 -> 2
    weights sender_uniform
}
//// size 8
topology exploding {
    for i in ranks { i -- (i + 1) mod size }
    weights constant(3/5)
}
//// size 8
topology signed {
    for i in ranks { i -- (i + 1) mod size }
    weights constant(2/5)
}
//// size 8
topology fast_star {
    for i in 1..size { 0 -- i weight 2/9 }
}
//// size 8
use topology::ring
algorithm reckless(lr: scalar = 0.1) {
    state x = params
    step { x <- 2 * mix(x) - x - lr * grad(x) }
}
schedule {
    topology ring
    algorithm reckless
}
//// size 4
topology dead { }
algorithm alone(lr: scalar = 0.1) {
    state x = params
    step { x <- mix(x) - lr * grad(x) }
}
schedule {
    topology dead
    algorithm alone
}
//// size 8
topology enormous { for i in ranks { i -> (i + 1) mod size weight 1e400 } }
