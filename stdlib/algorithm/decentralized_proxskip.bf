/// Decentralized ProxSkip: y = x − lr (∇f(x) − h), x ← (I + W)/2 y every H-th step, else y.
///
/// In steps with a message, h ← h + (x' − y) / (H lr). This is `scaffnew` over a topology, and `exact_diffusion` that
/// skips communication: all ranks reach the optimum itself. With H = 1 it is `exact_diffusion`. One gradient at the
/// model per step and one message every H-th step, one extra state (Mishchenko, Malinovsky, Stich and Richtárik,
/// "ProxSkip", 2022; Guo, Alghunaim, Yuan, Condat and Cao, "Revisiting decentralized ProxSkip: achieving linear
/// speedup", 2023).
///
///     use topology::ring
///     use algorithm::decentralized_proxskip
///     schedule {
///         topology  ring
///         algorithm decentralized_proxskip(lr = 0.05, H = 4)
///     }
algorithm decentralized_proxskip(lr: scalar = 0.1, H: int = 8) {
    requires doubly_stochastic, stable
    state x = params
    state h = 0
    step {
        let y = x - lr * (grad(x) - h)
        if every(H) {
            x <- mix(y, lazy(W, 1/2))
            h <- h + (x' - y) / (H * lr)
        } else {
            x <- y
        }
    }
}
