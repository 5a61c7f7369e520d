use topology::star

/// Averaging in finitely many steps over the edges of `base`: one step per distinct eigenvalue other than 1.
///
/// The step for λ is (W − λI)/(1 − λ), which removes the component of that eigenvalue and preserves averages;
/// together, the steps are the minimal polynomial of W on disagreements (Kibangou, "Step-size sequence design for
/// finite-time average consensus in secure wireless sensor networks", 2014; Hendrickx, Jungers, Olshevsky,
/// Vankeerberghen, "Graph diameter, eigenvalues, and minimum-time consensus", 2014). `base` is static, symmetric and
/// connected. Weights may be negative, and disagreement may grow within a period: use it for averaging only, without
/// gradient steps in between. Exact if the eigenvalues are rational, as for stars, hypercubes and the Petersen graph;
/// otherwise exact up to the rounding of eigenvalues to 53 bits.
///
///     bfc analyze topology::static_finite --size 16
///     bfc analyze topology::static_finite --size 16 --param base=topology::hypercube
topology static_finite(base: topology = star) {
    for l in eigenvalues(base), if l != 1 { phases lazy(base, -l / (1 - l)) }
    ensure symmetric
    ensure doubly_stochastic
    ensure period_contraction <= 1e-6
}
