for i in ranks { i -> 0 }
let x = 3
phases ring
topology t {
    state x = params
    x <- mix(x)
    fn f(x) = x
}
algorithm a {
    state x = params
    for i in ranks { x <- mix(x) }
    x <- mix(x)
    i -> 0
    step {
        state y = 0
        i -> i + 1
        for k in 0..3 { x <- mix(x) }
    }
}
schedule {
    topology ring
    let lr = 0.1
    state x
}
fn f(x) {
    for i in x { i }
    x
}
