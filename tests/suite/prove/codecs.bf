//// size 8
use topology::ring
use algorithm::choco_sgd
schedule {
    topology ring
    algorithm choco_sgd(q = top_k(10))
}
//// size 8
use topology::ring
use algorithm::choco_sgd
schedule {
    topology ring
    algorithm choco_sgd(q = cast(f16))
}
//// size 8
use topology::ring
use algorithm::dcd
schedule {
    topology ring
    algorithm dcd(q = top_k(10))
}
//// size 8
use topology::ring
algorithm half(q: codec = top_k(10)) {
    requires contraction(q) >= 1/2
    state x = params
    step { x <- mix(compress(x, q)) }
}
schedule {
    topology ring
    algorithm half
}
//// size 8
use topology::ring
algorithm half(q: codec = top_fraction(1/2)) {
    requires contraction(q) >= 1/2, contraction(q) < 1/4, stable
    state x = params
    step { x <- mix(compress(x, q)) }
}
schedule {
    topology ring
    algorithm half
}
//// size 8
use topology::ring
algorithm whole(q: codec = top_fraction(1/2)) {
    requires contraction(q) >= 3/4
    state x = params
    step { x <- mix(compress(x, q)) }
}
schedule {
    topology ring
    algorithm whole
}
