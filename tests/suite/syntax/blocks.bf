fn f(x) {
    let y = x
}
fn g(x) {
    x
        + 1
    let y = x
    y
}
fn h(x) {
    return x
}
fn k(x) = if x > 0 { 1 }
fn l(x) = if x > 0 { } else { 2 }
fn m(x) { }
