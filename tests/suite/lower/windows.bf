//// size 8
use topology::ring
use algorithm::ad_psgd
schedule {
    topology ring
    algorithm ad_psgd
}
