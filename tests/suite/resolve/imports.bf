//// size 8
use topology::rong
use topology
use nothing::f
use topology::grid2d::{largest_divisors}
use algorithm::dgd::dgd
topology t { for i in ranks { i -> (i + largest_divisor(size)) mod size } }
//// file helper
use topology::grid2d::{largest_divisor}
fn side(n) = largest_divisor(n)
topology path { for i in 0..size - 1 { i -- i + 1 } }
//// size 12
use helper::{side}
use helper::path
use topology::grid2d::{largest_divisor}
topology t { for i in ranks { i -> (i + side(size) + largest_divisor(size)) mod size } }
schedule { topology t }
//// file a
use b::g
fn f(n) = g(n)
//// file b
use a::f
fn g(n) = f(n)
//// size 4
use a::f
topology t { for i in 0..f(3) { i -- i + 1 } }
//// file broken
fn f(n = n
//// size 4
use broken::f
topology t { for i in 0..f(3) { i -- i + 1 } }
//// size 4
use helper::sid
use helper
schedule {
    topology topology::ring
    algorithm algorithm::dgd
}
//// size 4
schedule {
    topology topology::ring
    algorithm algorithm::dgd(lr = 0.2)
}
//// size 4
use topology::ring
use topology::ring
topology ring { }
//// size 8
use ring
use dgd
schedule {
    topology ring
    algorithm dgd
}
