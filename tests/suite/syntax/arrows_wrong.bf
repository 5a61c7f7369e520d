topology t {
    requires a <-b
    0 -> 1 -> 2
    0 -- 1 -- 2
    let c = a --b
    i - > j
    i <- j
    self 0
    self 0 weight
    i ->
    -> j
    i -> j weigth 3
    let d == 3
    requires a = b
    ensure static of size > 2
    for i, j in ranks { i -> j }
    for i in ranks if i > 0 { i -> 0 }
}
algorithm a {
    state x: = 3
    let q = x <- 3
    step {
        x' <- mix(x)
        x <- mix(x
        )
        x <- y'' + f(a b)
        let z <- 3
        mix(x)
        x <- [a for b c]
        x <- [a, b for c in d]
        x <- (a, b)
        x <- f(a)(b)
        x <- f(a = )
        x <- ()
        x <- xs[]
    }
}
use topology:ring
use
use topology::{ring star}
use 3
topology 3 { }
topology t( { }
topology t(a int) { }
topology t
algorithm a over { }
async topology t { }
schedule ring { }
fn f = 3
fn f(x)
fn (x) = x
garbage here
