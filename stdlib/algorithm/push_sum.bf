/// Push-sum averaging, without training: u ← W u, w ← W w, and the average is u / w.
///
/// Senders divide their value among their receivers, so the columns of W sum to 1 and no rank needs to know who sends
/// to it: it averages on any strongly connected directed topology. w is one number per rank, which starts at 1 and
/// removes the bias of an uneven topology. One message per step (Kempe, Dobra and Gehrke, "Gossip-based computation
/// of aggregate information", 2003).
///
///     use algorithm::push_sum
///     topology hub {
///         for i in ranks { i -> (i + 1) mod size }
///         for j in 2..size, if j mod 2 == 0 { 0 -> j }
///         weights sender_uniform
///     }
///     schedule {
///         topology  hub
///         algorithm push_sum
///     }
algorithm push_sum {
    requires nonnegative, column_stochastic, connected, self_weight > 0
    state u = params
    state w: scalar = 1
    step {
        u <- mix(u)
        w <- mix(w)
    }
    model u / w
}
