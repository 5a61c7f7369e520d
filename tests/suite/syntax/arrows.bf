/// Tight tokens: `d1 ->`, `1e-8`, `a < -b`, `a - -b`.
topology t(d1 = 1e-8, e = 1E+3) {
    d1->e
    d1--e
    -d1 -> -(-e)
    requires d1< -e, d1 - -e > 0, -2^-d1^2 at 3 < 4, not d1 == e and not (not true or false)
    1->2 weight 1/2
    xs[0][1] -> xs[a..b][..b][a..][..][(a..b)]
}
algorithm a { state x=-1
    step { x<- -x } }
