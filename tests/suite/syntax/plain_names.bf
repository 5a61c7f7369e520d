/// Words that begin statements elsewhere are names in expressions.
fn f(t, size, step, state, model, edge, phase, weight, weights, over, use, schedule, async) =
    t + size + step + state + model + edge + phase + weight + weights + over + use + schedule + async
topology g(topology: topology, algorithm = 1) {
    for phase in phases(topology) {
        phase { for [i, j, weight] in phase { i -> j weight weight } }
        phase -> algorithm
        weights -> algorithm weight weights
    }
    weights weights
}
