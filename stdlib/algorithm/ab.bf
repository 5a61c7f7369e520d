/// AB: x ← R x − lr y, y ← C y + ∇f(x') − ∇f(x).
///
/// Gradient tracking with two weightings of a directed topology: R preserves agreement (rows sum to 1), C preserves
/// the sum of the gradients (columns sum to 1), so neither has to be doubly stochastic and no division is needed. All
/// ranks reach the optimum. One gradient at the new model and one message on each of the two topologies per step, two
/// extra states (Xin and Khan, "A linear algorithm for optimization over directed graphs with geometric convergence",
/// 2018).
///
///     use algorithm::ab
///     topology pull {
///         for i in ranks { i -> (i + 1) mod size }
///         for j in 2..size, if j mod 2 == 0 { 0 -> j }
///         weights uniform
///     }
///     topology push {
///         for i in ranks { i -> (i + 1) mod size }
///         for j in 2..size, if j mod 2 == 0 { 0 -> j }
///         weights sender_uniform
///     }
///     schedule {
///         topology  R = pull, C = push
///         algorithm ab(lr = 0.02)
///     }
algorithm ab(lr: scalar = 0.05) over R, C {
    requires row_stochastic(R), column_stochastic(C), contracting(R), contracting(C), common_root(R, C)
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x, R) - lr * y
        g <- grad(x')
        y <- mix(y, C) + g' - g
    }
}
