topology tree_pull(b: int = 2) { for i in 1..size { (i - 1) div b -> i weight 1 } }
topology tree_push(b: int = 2) = transpose(tree_pull(b))
