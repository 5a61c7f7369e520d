algorithm which over Row, Col {
    requires row_stochastic(Row), column_stochastic(Cool), contracting
    state x = params
    state y = params
    state z = params
    step {
        x <- mix(x)
        y <- mix(y, Roe)
        z <- Row * mix(z, lazy(C, 1/2))
    }
}
algorithm claims(lr: scalar = 0.1) {
    requires doubly_stochastc, lr < 1, self_weight > 0, rho + 1 < 2
    state x = params
    step { x <- mix(x) }
}
