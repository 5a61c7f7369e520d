topology ring {
    let a = 3 $ 4
    let größe = size
    let q = a ? 1 : 2
    let b = a'' + x@y
}
