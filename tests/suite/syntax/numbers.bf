fn f(x) = 2x + 1
fn g(x) = .5 * x
fn h(x) = x + 1. + 1_000
fn k(x) = 0x1F + 1e + 1.2.3
