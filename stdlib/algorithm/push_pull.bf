use topology::tree_pull

/// Push-pull: x ← R (x − lr y), y ← C y + ∇f(x') − ∇f(x).
///
/// `ab` with the model adapted before it is mixed. R pulls models from the ranks that reach all others, and C pushes
/// gradients to them. R and C may be different graphs, and neither has to be strongly connected: in a tree, the
/// default, models flow down and gradients flow up. All ranks reach the optimum. One gradient at the new model and
/// one message on each of the two topologies per step, two extra states (Pu, Shi, Xu and Nedić, "Push-pull gradient
/// methods for distributed optimization in networks", 2021). The default of C is R with all edges reversed.
///
///     use algorithm::push_pull
///     schedule {
///         algorithm push_pull(lr = 0.02)
///     }
algorithm push_pull(lr: scalar = 0.05) over R = tree_pull, C = transpose(R) {
    requires row_stochastic(R), column_stochastic(C), contracting(R), contracting(C), common_root(R, C)
    state x = params
    state g = grad(x)
    state y = g
    step {
        x <- mix(x - lr * y, R)
        g <- grad(x')
        y <- mix(y, C) + g' - g
    }
}
