topology ring { for i in ranks { i -- (i + 1) mod size } }
topology ring_directed { for i in ranks { i -> (i + 1) mod size } }
topology path { for i in 0..size - 1 { i -- i + 1 } }
topology star { for i in 1..size { 0 -- i } }
topology complete { for i in ranks, h in 1..size { i -> (i + h) mod size } }
topology circulant(hops: list) { for i in ranks, h in hops { i -> (i + h) mod size } }
topology idle { }
