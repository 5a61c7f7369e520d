fn mod(x) = x
fn f(in, not) = 3
topology t(for: int) { }
topology u {
    let if = 3
    let [a, or] = [1, 2]
    for else in ranks { }
}
algorithm a {
    state self = 0
}
