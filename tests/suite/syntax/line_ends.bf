/// These continue.
topology t {
    let a = 1 +
        2 *
        3 // with a comment
    let b = max(1,
        2
    )
    let c = if a > b { a }
        // between
        else { b }
    for i in ranks,
        if i > 0,
        j in 0..i {
        i -> j weight 1 / 2 +
            1 / 3
    }
    requires a > b,
        b > c
    if a > b { 0 -> 1 }

    else if a == b { 1 -> 0 } else { } let d =
        [
            1

            , 2,
        ]
}
topology u { weights uniform } topology v { }
