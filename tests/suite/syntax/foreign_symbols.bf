# a comment of another language
topology ring {
    requires size > 1 && size < 9 || !is_prime(size);
    for i in ranks { i => (i + 1) % size }
    for i in ranks { i → i + 2**3 }
    /* and a
    let s = "text"
    let n = size ≤ 3
    weights lazy(uniform, β)
}
algorithm a {
    state x = params
    step { x += grad(x) }
}
topology w {
    while i < 3 { 0 -> 1 }
    fr i in ranks { i -> 0 }
    ---- 0
    0 &&&&& && 1
}
