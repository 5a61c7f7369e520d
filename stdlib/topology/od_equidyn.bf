/// OD-EquiDyn: at every step, each rank receives from the rank `shift` ahead, for one random shift; directed.
///
/// W = (1 − η) I + η (I/n + (1 − 1/n) P); doubly stochastic, one message out and one in. A step contracts the mean
/// square of the disagreement by a factor that depends only on η, about 1/2 at η = 1/2, at any size (Song, Li, Jin,
/// Ying, Yan, Yuan, NeurIPS 2022). The shift of step t is shifts[random_int(len(shifts), seed, t)]; this never
/// changes between versions. After `horizon` steps, the schedule repeats.
///
///     bfc analyze topology::od_equidyn --size 100
///     bfc analyze topology::od_equidyn --size 12 --param eta=1/4 --param seed=7 --param horizon=500
topology od_equidyn(eta: real = 1/2, seed: int = 1, horizon: int = 100, shifts: list = 1..size) {
    requires eta > 0, eta < 1, horizon >= 1, len(shifts) >= 1
    for t in 0..horizon {
        let shift = shifts[random_int(len(shifts), seed, t)]
        phase { for i in ranks { (i + shift) mod size -> i weight eta * (size - 1) / size } }
    }
    ensure doubly_stochastic
    ensure nonnegative
    ensure max_in_degree <= 1
    ensure contracting
}
