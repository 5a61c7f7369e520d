topology t {
    requires 0 < size < 9
    for i in 0..2..4 { i -> 0 }
    requires size == 1 != true
}
