//// size 6
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology path { for i in 0..size - 1 { i -- i + 1 } }
topology twice(t: topology, u: topology = ring) = concat([t, u])
schedule { topology twice(path) }
//// size 12
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology torus(dims: list) = cartesian([ring at d for d in dims]) weights uniform
schedule { topology torus([3, 4]) }
//// size 6
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology path { for i in 0..size - 1 { i -- i + 1 } }
schedule { topology cartesian(path at 2, ring at 3) }
//// size 6
topology path { for i in 0..size - 1 { i -- i + 1 } }
schedule { topology cartesian(path at 3, path at 2) }
//// size 8 --local-size 4
topology complete { for i in ranks, h in 1..size { i -> (i + h) mod size } }
topology one_peer { for t in 0..ceil_log(size, 2) { phase { for i in ranks { i -> (i + 2^t) mod size } } } }
topology hierarchical(within: topology = complete, across: topology = one_peer) =
    kronecker(across at machines, within at local_size)
schedule { topology hierarchical }
//// size 6
topology star { for i in 1..size { 0 -- i } }
topology complete { for i in ranks, h in 1..size { i -> (i + h) mod size } }
schedule { topology kronecker([star at 3, complete at 2]) }
//// size 3
topology tree_pull(b: int = 2) { for i in 1..size { (i - 1) div b -> i weight 1 } }
schedule { topology R = tree_pull(1), C = transpose(R) }
//// size 3
topology tree_pull(b: int = 2) { for i in 1..size { (i - 1) div b -> i weight 1 } }
schedule { topology transpose(tree_pull(1)) }
//// size 5
topology directed { for i in ranks { i -> (i + 2) mod size weight 3/4 } }
schedule { topology concat([lazy(t, -1/3) for t in [directed, transpose(directed)]]) }
//// size 3
topology star { for i in 1..size { 0 -- i } }
schedule { topology lazy(star, 3/2) }
//// size 4
topology path { for i in 0..size - 1 { i -- i + 1 } }
schedule { topology permute(path, [2, 0, 3, 1]) }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology permute(ring, [1, 2, 3, 0]) }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology permute(ring, [0, 2, 1, 3]) }
//// size 6
topology directed { for i in ranks { i -> (i + 1) mod size } }
topology across { for i in ranks { i -> (i + 3) mod size } }
topology both = union(directed, across) weights uniform
schedule { topology both }
//// size 4
topology one { 0 -> 1 }
topology two { phase { 1 -> 2 } phase { 2 -> 3 } }
schedule { topology union(one, two) }
//// size 4
topology one { 0 -> 1 }
topology both_ways = symmetrize(one)
schedule { topology both_ways }
//// size 8
topology exponential { for i in ranks, k in 0..ceil_log(size, 2) { i -> (i + 2^k) mod size } }
schedule { topology cycle(exponential) }
//// size 3
topology star { for i in 1..size { 0 -- i } }
schedule { topology cycle(star) }
//// size 8
topology hypercube { for i in ranks, b in 0..floor_log(size, 2) { i -- i xor 2^b } }
schedule { topology matchings(hypercube) }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology matchings(ring) }
//// size 3
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology matchings(ring) }
//// size 5
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology forth { for [i, j] in edges(ring), if i < j { i -> j } }
topology pairs {
    requires len(edges(forth)) == size, len(edges(ring at 7)) == 14
    for m in matchings(edges(ring)) { phase { for [i, j] in m { i -- j } } }
    phase { for [i, j] in matching([[0, 1], [1, 2], [3, 2], [4, 4], [0, 4]]) { i -- j } }
}
schedule { topology pairs }
//// size 4
topology one_peer { for t in 0..ceil_log(size, 2) { phase { for i in ranks { i -> (i + 2^t) mod size } } } }
fn every_second(ts) = [ts[2 * k + 1] for k in 0..len(ts) div 2]
schedule { topology concat(every_second(phases(one_peer)) ++ [one_peer]) }
//// size 8
topology hypercube { for i in ranks, b in 0..floor_log(size, 2) { i -- i xor 2^b } weights uniform }
topology finite(base: topology) {
    requires eigenvalues(base) == [0, -1/2, 1/2, 1]
    for l in eigenvalues(base), if l != 1 { phases lazy(base, -l / (1 - l)) }
    ensure exact_average
    ensure static if size == 1
}
schedule { topology finite(hypercube) }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology idle { }
topology periodic(base: topology, period: int) {
    requires period >= 2
    phases base
    for k in 1..period { phases idle }
    weights lazy(uniform, 1/2)
    ensure contracting
}
schedule { topology periodic(ring, 2) }
//// size 9 --param across=ring
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology star { for i in 1..size { 0 -- i } }
topology wheel(across: topology = star) = kronecker(across at 3, across at 3)
schedule { topology wheel }
//// size 1
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology concat([ring, cartesian([ring at 1])]) }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
fn smoother(t, k) = if k == 0 { t } else { smoother(lazy(t, 1/2), k - 1) }
schedule { topology smoother(ring, 2) }
//// size 6
topology machines_are_far { for i in ranks { i -- (i + 2) mod size } }
topology near { for i in 0..size div local_size { i -- (i + 1) mod size } }
topology inner { requires local_size == 1, machines == size
    for i in ranks { i -- (i + 1) mod size } }
schedule { topology cartesian(inner at 3, inner at 2) }
//// size 4 --param base=topology::ring
topology t(base: topology) = base
//// size 4
use topology::tree_pull
use algorithm::push_pull
topology chain { for i in 1..size { i - 1 -> i weight 1 } }
schedule {
    topology chain
    algorithm push_pull
}
//// size 3
topology chain { for i in 1..size { i - 1 -> i weight 1 } }
algorithm two over R, C = transpose(R) {
    state x = params
    step { x <- mix(x, R) + mix(x, C) - x }
}
schedule {
    topology R = chain
    algorithm two
}
