use topology::hyper_hypercube::{turned}
use topology::base::{base_rounds, parallel}

/// The factors of the number of machines, one per averaging stage, the largest first. A factor r takes (r −
/// 1)⌈local_size/r⌉ messages, each from a different rank.
fn radices(count) {
    let fits = [r for r in 2..min(count, local_size + 1) + 1,
        if count mod r == 0 and (r - 1) * ceil(local_size / r) <= local_size]
    if len(fits) == 0 { [] } else { [max(fits)] ++ radices(count / max(fits)) }
}

/// Rounds in which, on every machine, ranks that are equal modulo `width` average.
fn within(width) = parallel([base_rounds([m * local_size + o + width * b for b in 0..local_size / width], 1)
    for m in 0..machines, o in 0..width])

/// Inner-outer exact averaging: at each step, one message leaves and one enters each machine, no rank sends or
/// receives more than one, and a period averages exactly, for any number of machines of any size.
///
/// The construction works with the totals of machines. Let L ranks share a machine, and number the M = r₁ r₂ …
/// machines by digits of these radices. For each radix r, steps inside the machines first average their ranks until
/// every block of c = ⌈L/r⌉ ranks holds the same part c/L of the machine's total S. Then block h − 1 is sent, rank by
/// rank, to the machine whose digit is h higher, h = 1 … r − 1, with weight w = L/(rc), which is at most 1, and
/// exactly 1 (an exchange of places) if r divides L. A machine gives away and receives w c/L = 1/r of a total, so its
/// new total is the mean of the r machines that differ in this digit. After all digits, every machine has the same
/// total, and steps inside spread it evenly over its ranks: the product of the period is J.
///
/// A factor of M that no such radix divides is averaged by the pairs of a base-2 graph over machines, a pair of
/// weight w by ⌈Lw⌉ exchanges of weight Lw/⌈Lw⌉. Doubly stochastic, nonnegative. The period has 7 steps on 4 machines
/// of 4 ranks and 18 on 16 of 8, where `inner_outer_expo2` contracts to 0.64 in 4 and to 0.45 in 24. Of these, 3 and
/// 11 steps go between machines. With nonnegative weights, at least L (1 − 1/M) such steps are needed: this much of a
/// machine's initial total must end elsewhere, and a message moves at most 1. The bound is reached if M divides L,
/// and if M = L + 1.
///
///     bfc analyze topology::inner_outer_exact --size 16 --local-size 4
///     bfc analyze topology::inner_outer_exact --size 15 --local-size 3
topology inner_outer_exact {
    let digits = radices(machines)
    for a in 0..len(digits) {
        let r = digits[a]
        let block = ceil(local_size / r)
        for round in within(if local_size mod r == 0 { block } else { 1 }) {
            phase { for [i, j, w] in round { i -- j weight w } }
        }
        for h in 1..r, c in 0..block {
            let l = (h - 1) * block + c
            phase {
                for m in 0..machines {
                    let other = turned(m, product(digits[..a]), r, h)
                    m * local_size + l -> other * local_size + l weight local_size / (r * block)
                }
            }
        }
    }
    let done = product(digits)
    for pairs in parallel([base_rounds([g + done * b for b in 0..machines / done], 1) for g in 0..done]) {
        for round in within(1) { phase { for [i, j, w] in round { i -- j weight w } } }
        for c in 0..max([ceil(local_size * w) for [x, y, w] in pairs]) {
            phase {
                for [x, y, w] in pairs, if c < ceil(local_size * w) {
                    x * local_size + c -- y * local_size + c weight local_size * w / ceil(local_size * w)
                }
            }
        }
    }
    for round in within(1) { phase { for [i, j, w] in round { i -- j weight w } } }
    ensure doubly_stochastic
    ensure nonnegative
    ensure max_in_degree <= 1
    ensure max_out_degree <= 1
    ensure exact_average
}
