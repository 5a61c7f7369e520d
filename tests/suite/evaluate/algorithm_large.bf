fn for_ever(v) = for_ever(v + 1)
fn grows(v, n) = if n == 0 { v } else { grows(v + v * n, n - 1) }
algorithm endless {
    state x = params
    step { x <- for_ever(x) }
}
algorithm large {
    state x = params
    step { x <- if grows(t, 30) > 3 { mix(x) } else { x } }
}
