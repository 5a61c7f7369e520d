/// Words that begin statements elsewhere are names in expressions.
fn f(t, size, step, state, model, edge, phase, phases, weight, weights, over, use, schedule, async) =
    t + size + step + state + model + edge + phase + phases + weight + weights + over + use + schedule + async
topology g(topology: topology, algorithm = 1) {
    for phase in phases(topology) {
        phase { for [i, j, weight] in phase { i -> j weight weight } }
        phase -> algorithm
        phases -> algorithm
        phases - 1 -> algorithm
        phases concat([topology, cycle(topology)])
        phases (topology) at 4
        weights -> algorithm weight weights
    }
    weights weights
}
