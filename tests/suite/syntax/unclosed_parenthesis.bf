topology ring {
    for i in ranks { i -- (i + 1 mod size }
}
fn first(xs) = xs[0
