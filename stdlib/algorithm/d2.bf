/// D²: ψ' = x − lr ∇f(x), x ← W (ψ' + x − ψ).
///
/// `exact_diffusion` with W itself in place of (I + W)/2: twice the spectral gap, and all ranks still reach the
/// optimum whatever data they hold. In return, the corrected recursion must be stable for W: a symmetric W needs all
/// eigenvalues above −1/3, which rules out the torus and the hypercube. One gradient at the model and one message per
/// step, one extra state (Tang, Lian, Yan, Zhang and Liu, "D²: decentralized training over decentralized data",
/// 2018).
///
///     use algorithm::d2
///     topology ring {
///         for i in ranks { i -- (i + 1) mod size }
///         weights constant(1/4)
///     }
///     schedule {
///         topology  ring
///         algorithm d2(lr = 0.05)
///     }
algorithm d2(lr: scalar = 0.1) {
    requires doubly_stochastic, stable
    state x = params
    state psi = params
    step {
        psi <- x - lr * grad(x)
        x <- mix(psi' + x - psi)
    }
}
