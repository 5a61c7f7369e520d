use topology::tree_pull

/// Push tree: every rank hands its value to its parent, ⌊(i − 1)/branches⌋, and the root adds them up.
///
/// The matrix C of push-pull, the transpose of `tree_pull`: column-stochastic; after as many steps as the tree is
/// deep, rank 0 holds the sum of all (Pu, Shi, Xu, Nedić 2018; Song, Li, Jin, Ying, Yan, Yuan 2022). Push-sum divides
/// by what a rank keeps, so it needs `keep` above 0: the fraction that stays with every rank except the root.
///
///     bfc analyze topology::tree_push --size 15
///     bfc analyze topology::tree_push --size 15 --param keep=1/2
topology tree_push(branches: int = 2, keep: real = 0) {
    requires branches >= 1, keep >= 0, keep < 1
    phases lazy(transpose(tree_pull(branches)), keep)
    ensure column_stochastic
    ensure nonnegative
    ensure contracting
    ensure max_out_degree <= 1
}
