/// Pull tree: every rank adopts the model of its parent, ⌊(i − 1)/branches⌋; the root keeps its own.
///
/// The matrix R of push-pull: row-stochastic; after as many steps as the tree is deep, all ranks hold the model of
/// rank 0 (Pu, Shi, Xu, Nedić, "Push-pull gradient methods for distributed optimization in networks", 2018; Song, Li,
/// Jin, Ying, Yan, Yuan on B-ary trees, 2022). Its companion C is `tree_push`.
///
///     bfc analyze topology::tree_pull --size 15
topology tree_pull(branches: int = 2) {
    requires branches >= 1
    for i in 1..size { (i - 1) div branches -> i weight 1 }
    ensure row_stochastic
    ensure nonnegative
    ensure contracting
    ensure max_in_degree <= 1
}
