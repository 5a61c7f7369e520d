//! Edge colouring by alternating paths (Kőnig 1916; the same step is Kempe's).
//!
//! Edges are coloured one at a time. An edge takes the lowest colour that is free at both ends; where there is none,
//! one end has colour a free and the other b, and exchanging a and b along the path that starts at the second end
//! frees a there. In a bipartite graph that path never reaches the first end, so as many colours as the largest degree
//! suffice; in other graphs it may, and then the edge is refused.

const NONE: u32 = u32::MAX;
/// Up to this degree a vertex keeps a list, beyond it a table: a star's leaves must not pay for its centre's colours.
const FEW: usize = 32;

/// A partial colouring that grows edge by edge.
pub struct Colouring {
    colours: u32,
    vertices: Vec<Vertex>,
    edges: Vec<Edge>,
}

struct Edge {
    ends: [u32; 2],
    colour: u32,
}

/// The coloured edges of one vertex.
enum Vertex {
    Few(Vec<(u32, u32)>),
    Many { first_free: usize, used: Vec<u64>, edges: Vec<u32> },
}

impl Colouring {
    /// No edges yet; `degrees` are those that the vertices will have, none above `colours`.
    pub fn new(colours: u32, degrees: impl IntoIterator<Item = usize>) -> Self {
        let vertex = |degree| match degree {
            0..=FEW => Vertex::Few(Vec::with_capacity(degree)),
            _ => Vertex::Many { first_free: 0, used: vec![], edges: vec![] },
        };
        Self { colours, vertices: degrees.into_iter().map(vertex).collect(), edges: vec![] }
    }

    /// Adds an edge and colours it, recolouring others where needed. `false`, and nothing changed, if its alternating
    /// path closes, which takes an odd cycle.
    pub fn insert(&mut self, u: u32, v: u32) -> bool {
        let colour = match self.common_free(u, v) {
            Some(colour) => colour,
            None => {
                let (a, b) = (self.free(u), self.free(v));
                if !self.flip(u, v, a, b) {
                    return false;
                }
                a
            }
        };
        self.insert_coloured(u, v, colour);
        true
    }

    /// Adds an edge with a colour that is free at both ends.
    pub fn insert_coloured(&mut self, u: u32, v: u32, colour: u32) {
        let edge = self.edges.len() as u32;
        self.edges.push(Edge { ends: [u, v], colour });
        self.vertices[u as usize].set(colour, edge);
        self.vertices[v as usize].set(colour, edge);
    }

    /// The edges, in order of insertion, with their colours.
    pub fn edges(&self) -> impl Iterator<Item = (u32, u32, u32)> + '_ {
        self.edges.iter().map(|edge| (edge.ends[0], edge.ends[1], edge.colour))
    }

    fn free(&self, vertex: u32) -> u32 {
        let vertex = &self.vertices[vertex as usize];
        self.lowest(vertex.first_free(), |word| vertex.used(word)).expect("fewer edges than colours")
    }

    fn common_free(&self, u: u32, v: u32) -> Option<u32> {
        let (u, v) = (&self.vertices[u as usize], &self.vertices[v as usize]);
        self.lowest(u.first_free().max(v.first_free()), |word| u.used(word) | v.used(word))
    }

    fn lowest(&self, first: usize, used: impl Fn(usize) -> u64) -> Option<u32> {
        (first..(self.colours as usize).div_ceil(64))
            .map(|word| (word, !used(word)))
            .find(|(_, free)| *free != 0)
            .map(|(word, free)| word as u32 * 64 + free.trailing_zeros())
            .filter(|colour| *colour < self.colours)
    }

    /// Exchanges `a` and `b` along the path from `v`, unless it ends in `u`.
    fn flip(&mut self, u: u32, v: u32, a: u32, b: u32) -> bool {
        let (mut path, mut at, mut colour) = (vec![], v, a);
        while let Some(edge) = self.vertices[at as usize].get(colour) {
            path.push(edge);
            let ends = self.edges[edge as usize].ends;
            at = if ends[0] == at { ends[1] } else { ends[0] };
            colour = a + b - colour;
        }
        if at == u {
            return false;
        }
        for &edge in &path {
            let Edge { ends, colour } = self.edges[edge as usize];
            ends.iter().for_each(|&end| self.vertices[end as usize].clear(colour));
        }
        for &edge in &path {
            let Edge { ends, colour } = &mut self.edges[edge as usize];
            *colour = a + b - *colour;
            let (ends, colour) = (*ends, *colour);
            ends.iter().for_each(|&end| self.vertices[end as usize].set(colour, edge));
        }
        true
    }
}

impl Vertex {
    fn get(&self, colour: u32) -> Option<u32> {
        match self {
            Self::Few(list) => list.iter().find(|entry| entry.0 == colour).map(|entry| entry.1),
            Self::Many { edges, .. } => edges.get(colour as usize).copied().filter(|&edge| edge != NONE),
        }
    }

    /// The colours in use among 64, as bits.
    fn used(&self, word: usize) -> u64 {
        match self {
            Self::Few(list) => list
                .iter()
                .filter(|(colour, _)| *colour as usize / 64 == word)
                .fold(0, |bits, (colour, _)| bits | 1 << (colour % 64)),
            Self::Many { used, .. } => used.get(word).copied().unwrap_or(0),
        }
    }

    /// A word below which no colour is free.
    fn first_free(&self) -> usize {
        match self {
            Self::Few(_) => 0,
            Self::Many { first_free, .. } => *first_free,
        }
    }

    fn set(&mut self, colour: u32, edge: u32) {
        match self {
            Self::Few(list) => list.push((colour, edge)),
            Self::Many { first_free, used, edges } => {
                let word = colour as usize / 64;
                if edges.len() <= colour as usize {
                    edges.resize(word * 64 + 64, NONE);
                    used.resize(word + 1, 0);
                }
                edges[colour as usize] = edge;
                used[word] |= 1 << (colour % 64);
                while used.get(*first_free) == Some(&u64::MAX) {
                    *first_free += 1;
                }
            }
        }
    }

    fn clear(&mut self, colour: u32) {
        match self {
            Self::Few(list) => list.retain(|entry| entry.0 != colour),
            Self::Many { first_free, used, edges } => {
                edges[colour as usize] = NONE;
                used[colour as usize / 64] &= !(1 << (colour % 64));
                *first_free = (*first_free).min(colour as usize / 64);
            }
        }
    }
}
