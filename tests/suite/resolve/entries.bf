//// size 4
fn f(n) = n
//// size 4
topology a { }
topology b { }
//// size 4
schedule {
    topology ring
    algorithm dgd
}
//// size 4
use topology::exponential
use algorithm::dgd
topology mine { for i in ranks { i -> (i + 1) mod size } }
schedule {
    topology exponential(bas = 3)
    algorithm dgd(0.1, 2)
}
//// size 4
use algorithm::dgd
fn f(n) = n
schedule {
    topology dgd
    algorithm f
}
//// size 4
use topology::ring
use algorithm::dgd
schedule {
    topology rnig
    algorithm dgdd
}
