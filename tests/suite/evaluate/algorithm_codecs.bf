algorithm codecs(a: codec = top_k(0), b: codec = quantize(1), c: codec = top_fraction(3/2), d: codec = cast(sign), e: codec = 3) {
    state x = params
    step { x <- mix(x) }
}
algorithm compressed(lr: scalar = 1, q: codec = sign) {
    state x = params
    state w: scalar = 1
    step {
        x <- compress(x, 8) + compress(x, top_k(lr)) + q
        w <- w + compress(w, q)
    }
    model compress(x, q)
}
algorithm differences over R, C {
    state x = params
    state y = params
    state w: scalar = mix(1, R, via = low_rank(1))
    step {
        x <- mix(x, C, via = low_rank(1))
        y <- mix(y, R, via = sign) + mix(y, R, via = low_rank(1), delay = 1)
        w <- mix(w, R, via = low_rank(1))
    }
}
algorithm claims(q: codec = sign) {
    requires contraction(q) > 0, unbiased, unbiased(3), contraction(q, q) > 0
    state x = params
    step { x <- mix(x) }
}
