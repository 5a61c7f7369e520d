topolgy ring {
    for i in ranks { i -> i }
}
algoritm a { }
def f(x) = x
import topology::ring
topology star {
    fro i in ranks { i -> 0 }
    weigths uniform
    requries size > 2
}
algorithm b {
    sate x = params
    stpe { x <- mix(x) }
    step {
        lte y = x
        elif y > 0 { x <- y }
    }
}
schedule {
    toplogy ring
}
