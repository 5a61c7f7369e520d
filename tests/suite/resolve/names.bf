//// size 8
topology wheel(spokes: int = 4) {
    let far = spoke + 1
    for i in ranks, h in 1..fra {
        i -> (i + h) mod sise
        i -> (i + flor(h)) mod size
    }
    ensure conected
    ensure exact_average if is_powr(size, 2)
}
//// size 8
fn half(n) = n div 2
fn twice(n) = half(n, n) + half + len
topology t { for i in 0..twice(size) { i -- i + min() + half(k = 1) + t } }
//// size 8
topology ring { for i in ranks { i -> (i + 1) mod size } }
topology ring { for i in ranks { i -> (i + 2) mod size } }
fn size(n) = n
fn f(ranks) = {
    let machines = 1
    machines
}
//// size 8
topology t(seed: integer = 1, p: scalar = 2) { for i in ranks { i -> (i + seed) mod size } }
fn first(xs: matrix) = xs[0]
//// size 8
// Names of a loop end with it, and later clauses see earlier ones.
topology t {
    for i in ranks, j in 0..i, if j > 0 { i -> j }
    for k in ranks { k -> j }
    for k in ranks, m in 0..l, l in 0..k { k -> m }
    let xs = [x for x in ranks] ++ [x]
}
//// size 4
// Names of other languages.
topology t {
    for i in range(n) { i -> rank }
}
