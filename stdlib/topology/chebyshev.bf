use topology::ring

/// The roots of the Chebyshev polynomial of degree 2^k: T_2m(x) = T_m(2x² − 1). In this order, no product of leading
/// factors grows much (Lebedev and Finogenov 1971).
fn roots(k) = if k == 0 { [0] } else { [s * sqrt((1 + r) / 2) for r in roots(k - 1), s in [1, -1]] }

/// T of degree 2^k at x.
fn value(x, k) = if k == 0 { x } else { 2 * value(x, k - 1)^2 - 1 }

/// Chebyshev acceleration over the edges of `base`: over a period of `steps`, disagreement shrinks by the best
/// polynomial of W of that degree that depends only on the ends of the spectrum.
///
/// The step for a root r is (W − rI)/(1 − r), with the roots of the Chebyshev polynomial on [λ_min, λ₂]; a period
/// contracts by 1/T((2 − λ_min − λ₂)/(λ₂ − λ_min)), so about √(1/gap) steps do the work of 1/gap plain ones (Golub
/// and Varga 1961; Montijano, Montijano, Sagüés, "Chebyshev polynomials in distributed consensus applications",
/// 2013). `base` is static, symmetric and connected; `steps` is a power of two. Weights may be negative, and
/// disagreement may grow within a period: use it for averaging only, without gradient steps in between.
///
///     bfc analyze topology::chebyshev --size 16
///     bfc analyze topology::chebyshev --size 64 --param steps=32
topology chebyshev(base: topology = ring, steps: int = 8) {
    requires is_power(steps, 2)
    let k = floor_log(steps, 2)
    let inner = [l for l in eigenvalues(base), if l != 1]
    let middle = (max(inner) + min(inner)) / 2
    let half = (max(inner) - min(inner)) / 2
    for x in roots(k) {
        let r = middle + half * x
        phases lazy(base, -r / (1 - r))
    }
    ensure symmetric
    ensure doubly_stochastic
    ensure period_contraction <= if half == 0 { 0 } else { 1.000001 / value((1 - middle) / half, k) }
}
