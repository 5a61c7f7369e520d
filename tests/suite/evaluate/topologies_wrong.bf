//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology cartesian(ring at 3, ring at 4) }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology cartesian(ring, ring at 4) }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology kronecker(ring at 70000, ring at 70000) }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology (ring at 4) at 8 }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology ring at 0 }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology ring at size / 3 }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology ring at (size / 3) }
//// size 8
schedule { topology 3 at 4 }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology concat([]) }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
schedule { topology concat([ring, 3]) }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t { for i in 0..ring { i -- 0 } }
schedule { topology t }
//// size 8
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t(n: int) { 0 -- n }
schedule { topology t(ring) }
//// size 8
topology t(u: topology) = u
schedule { topology t(4) }
//// size 4
topology path { for i in 0..size - 1 { i -- i + 1 } }
schedule { topology permute(path, [2, 0, 3, 0]) }
//// size 4
topology path { for i in 0..size - 1 { i -- i + 1 } }
schedule { topology permute(path, [2, 0, 3, 4]) }
//// size 4
topology path { for i in 0..size - 1 { i -- i + 1 } }
schedule { topology permute(path, [0, 2, 1]) }
//// size 4
topology ring { for i in ranks { i -> (i + 1) mod size } }
topology t(base: topology) = concat([lazy(base, l) for l in eigenvalues(base)])
schedule { topology t(ring) }
//// size 4
topology two { phase { 0 -- 1 } phase { 1 -- 2 } }
topology t { requires len(eigenvalues(two)) == 2 }
schedule { topology t }
//// size 5
topology hypercube {
    requires is_power(size, 2), size > 9
    for i in ranks { i -- i xor 1 }
}
topology t = concat([hypercube, hypercube])
schedule { topology t }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t { phase { phases ring } }
schedule { topology t }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t {
    phases ring
    0 -- 1
}
schedule { topology t }
//// size 4
topology t { phases ring }
//// size 4
topology t = concat([exponential(3), rang])
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t = transposed(ring)
//// size 4
topology t = concat([t, t])
schedule { topology t }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
fn smoother(t, k) = if k == 0 { t } else { smoother(lazy(t, 1/2), k - 1) }
schedule { topology smoother(ring, 1000) }
//// size 4000000
topology star { for i in 1..size { 0 -- i } }
schedule { topology kronecker(star at 2000, star at 2000) }
//// size 6
topology cycle_of(n) = matchings([[0, 1]])
schedule { topology cycle_of(3) }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t { for i in ranks { i -- len(edges(ring at (2 + i))) } }
schedule { topology t }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t { let x = ring + 1 }
schedule { topology t }
//// size 4
topology ring { for i in ranks { i -- (i + 1) mod size } }
topology t { requires ring == ring }
schedule { topology t }
//// size 4 --param base=ring
topology t(base: topology) = base
//// size 4 --param base=3
topology t(base: topology) = base
//// size 4 --param base=topology::rings
topology t(base: topology) = base
