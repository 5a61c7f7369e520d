//// size 6
topology t {
    let cols = size / 4
    for i in 0..cols { i -- i + 1 }
}
//// size 6
topology t { let x = 1 / (size - 6) }
//// size 6
topology t { let x = 5 mod (size - 6) }
//// size 6
topology t { let x = 0^(0 - 1) }
//// size 6
topology t { let x = 1 + true }
//// size 6
topology t { let x = if size { 1 } else { 2 } }
//// size 6
topology t { for i in size { i -- 0 } }
//// size 6
topology t { let x = [1, 2] == 3 }
//// size 6
topology t { let x = [1, true] < [1, 2] }
//// size 6
topology t {
    let xs = [1, 2, 3]
    let y = xs[size - 3]
}
//// size 6
topology t {
    let xs = [1, 2, 3]
    let y = xs[2..4]
}
//// size 6
topology t {
    let xs = [1, 2, 3]
    let y = xs[-1]
}
//// size 6
topology t { for [a, b] in [[1, 2], [3, 4, 5]] { a -- b } }
//// size 6
topology t { let x = 5 xor -1 }
//// size 6
topology t { let x = floor_log(size - 6, 2) }
//// size 6
topology t { let x = sqrt(2 - size) }
//// size 6
topology t { let x = max([]) }
//// size 6
topology t { let x = sort([1, [2]]) }
//// size 6
topology t { let x = gcd(3/2, 4) + prime_factors(0)[0] }
//// size 6
topology t { let x = random_int(0, 1, 1) }
//// size 6
fn f(n: int) = n
topology t { let x = f(1/2) }
//// size 6
topology t { let x = t' }
//// size 6
topology t { let x = 3 at 4 }
