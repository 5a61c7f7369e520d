topology ring {
    for i in ranks {
        if i > 0 {
            i -- (i + 1) mod size
    }
}

topology star {
    for i in 1..size { 0 - i }
}
