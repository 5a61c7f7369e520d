topology t {
    let a = 1
        + 2
    let b = a let c = b
    0 -> 1 1 -> 2
    let d = max (1, 2)
    let e = [1, 2] [0]
    0 -> 1
        weight 1 / 2
    if a > b { 0 -> 1 }
    else b { 1 -> 0 }
    else if { 1 -> 0 }
    0 -> 1
    else { 1 -> 0 }
}
