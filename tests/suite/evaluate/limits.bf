//// size 6
fn forever(n) = forever(n + 1)
topology t { let x = forever(0) }
//// size 6
fn deep(n) = 1 + deep(n + 1)
topology t { let x = deep(0) }
//// size 6
topology t { for a in 0..1000000000, b in 0..1000000000 { } }
//// size 6
fn grow(xs) = grow(xs ++ xs)
topology t { let x = grow([1, 2, 3]) }
//// size 6
topology t { let x = [i for i in 0..1000000000] }
//// size 6
fn nest(x) = nest([x])
topology t { let x = nest(1) }
//// size 6
topology t { let x = 2^(2^40) }
//// size 6
fn square(x) = square(x * x)
topology t { let x = square(3) }
//// size 6
topology t {
    let x = 7^(10^30) mod 11
    let y = 1 / (x - x)
}
//// size 6
// Tail calls cost no depth.
fn count(n, total) = if n == 0 { total } else { count(n - 1, total + n) }
topology t { for i in 0..count(300000, 0) mod 5 { i -- i + 1 } }
//// size 6
topology t { let x = 0..10^18 }
