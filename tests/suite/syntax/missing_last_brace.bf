topology ring {
    for i in ranks { i -- (i + 1) mod size }

algorithm averaging {
    state x = params
    step { x <- mix(x) }
}
