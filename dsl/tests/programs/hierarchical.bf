topology hierarchical(within: topology = complete, across: topology = one_peer_exp2) =
    kronecker(across at machines, within at local_size)
