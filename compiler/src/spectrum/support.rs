//! From mixing matrices to who hears from whom: the nonzero entries of phases, of their union and of their product.

use super::lattice::Subgroup;
use bfc_schedule::{Group, MixingMatrix, Rank};
use petgraph::graph::{DiGraph, NodeIndex};

/// The most cells (rank × rank × edges / 64) that the support of a product may cost.
const PRODUCT_BUDGET: u64 = 1 << 31;

/// The nonzero entries of one mixing matrix.
#[derive(Clone, Debug)]
pub(crate) enum Support {
    /// Rank i hears from i − e for each of these elements of the group; 0 is the rank itself.
    Cayley(Group, Vec<Rank>),
    /// For every rank its sources, itself included where the self weight is not zero.
    Table(Vec<Vec<u32>>),
}

impl Support {
    /// The entries of `matrix` that are not zero.
    pub(crate) fn new(matrix: &MixingMatrix) -> Self {
        match matrix {
            MixingMatrix::Cayley(cayley) => {
                let own = (!cayley.self_weight().is_zero()).then_some(Rank(0));
                let hops = cayley.hops().iter().filter(|(_, weight)| !weight.is_zero()).map(|(hop, _)| *hop);
                Self::Cayley(cayley.group().clone(), own.into_iter().chain(hops).collect())
            }
            MixingMatrix::Sparse(sparse) => {
                let nonzero: Vec<bool> = sparse.weights().iter().map(|weight| !weight.is_zero()).collect();
                let sources = |rank: u32| {
                    let own = nonzero[sparse.self_weight(Rank(rank)) as usize].then_some(rank);
                    let edges = sparse.in_edges(Rank(rank)).iter();
                    own.into_iter()
                        .chain(edges.filter(|(_, id)| nonzero[*id as usize]).map(|(j, _)| j.0))
                        .collect()
                };
                Self::Table((0..matrix.size()).map(sources).collect())
            }
        }
    }

    /// With every diagonal entry added.
    pub(crate) fn with_diagonal(mut self) -> Self {
        match &mut self {
            Self::Cayley(_, elements) if !elements.contains(&Rank(0)) => elements.insert(0, Rank(0)),
            Self::Cayley(..) => {}
            Self::Table(rows) => {
                for (rank, row) in (0..).zip(rows) {
                    if !row.contains(&rank) {
                        row.push(rank);
                    }
                }
            }
        }
        self
    }

    fn has_diagonal(&self) -> bool {
        match self {
            Self::Cayley(_, elements) => elements.contains(&Rank(0)),
            Self::Table(rows) => (0..).zip(rows).all(|(rank, row)| row.contains(&rank)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Cayley(group, _) => group.order() as usize,
            Self::Table(rows) => rows.len(),
        }
    }

    fn edges(&self) -> usize {
        match self {
            Self::Cayley(group, elements) => group.order() as usize * elements.len(),
            Self::Table(rows) => rows.iter().map(Vec::len).sum(),
        }
    }

    /// The sources of a rank, itself included where it hears from itself.
    fn sources(&self, rank: u32) -> Vec<u32> {
        match self {
            Self::Cayley(group, elements) => {
                elements.iter().map(|e| group.subtract(Rank(rank), *e).0).collect()
            }
            Self::Table(rows) => rows[rank as usize].clone(),
        }
    }
}

/// The elements of all phases where they are subsets of one group.
fn common_elements(supports: &[Support]) -> Option<(Group, Vec<&[Rank]>)> {
    let mut common: Option<&Group> = None;
    let mut all = vec![];
    for support in supports {
        let Support::Cayley(group, elements) = support else { return None };
        if elements.iter().any(|e| e.0 > 0) {
            match common {
                Some(known) if known != group => return None,
                _ => common = Some(group),
            }
        }
        all.push(elements.as_slice());
    }
    Some((common.cloned().unwrap_or_else(|| Group::cyclic(supports[0].size() as u32)), all))
}

/// Why a set of phases fails, or that it does not.
pub(crate) enum Reach {
    /// It holds.
    Yes,
    /// It fails, and how.
    No(String),
    /// Too large to decide.
    TooLarge,
}

/// Whether every rank hears from every other over the union of the phases' edges.
pub(crate) fn connected(supports: &[Support]) -> Reach {
    if let Some((group, elements)) = common_elements(supports) {
        let subgroup = Subgroup::generated(&group, elements.concat());
        if subgroup.index() == 1 {
            return Reach::Yes;
        }
        let strangers = (1..group.order()).filter(|&rank| !subgroup.contains(Rank(rank)));
        return Reach::No(deaf(strangers));
    }
    let sources: Vec<Vec<u32>> = (0..supports[0].size() as u32)
        .map(|rank| supports.iter().flat_map(|support| support.sources(rank)).collect())
        .collect();
    match unreached(&reversed(&sources)) {
        missing if !missing.is_empty() => Reach::No(deaf(missing.into_iter())),
        _ => match unreached(&sources) {
            missing if !missing.is_empty() => {
                Reach::No(format!("rank 0 never hears from {}", ranks(missing.into_iter())))
            }
            _ => Reach::Yes,
        },
    }
}

/// That the union of the phases' edges is not connected, and who never hears from whom.
pub(crate) fn not_connected(supports: &[Support]) -> Option<String> {
    match connected(supports) {
        Reach::No(evidence) => Some(format!("the topology is not connected ({evidence})")),
        _ => None,
    }
}

/// Whether the product of the phases is irreducible and aperiodic: some power of it has no zero entry. The supports
/// must not cancel in the product.
pub(crate) fn primitive(supports: &[Support]) -> Reach {
    if let Some(evidence) = not_connected(supports) {
        return Reach::No(evidence);
    }
    if let Some((group, elements)) = common_elements(supports) {
        if elements.iter().any(|phase| phase.is_empty()) {
            return Reach::No("a phase is zero".into());
        }
        let differences = elements
            .iter()
            .flat_map(|phase| phase.iter().map(|e| group.subtract(*e, phase[0])).collect::<Vec<_>>());
        let subgroup = Subgroup::generated(&group, differences);
        return match subgroup.index() {
            1 => Reach::Yes,
            index => Reach::No(format!(
                "after any number of periods a rank has heard from at most one in {index} of all ranks, never a mixture"
            )),
        };
    }
    if supports.iter().all(Support::has_diagonal) {
        return Reach::Yes;
    }
    classes(supports, Orientation::Rows).map_or(Reach::TooLarge, |classes| classes.primitive())
}

/// Whether the product, row- or column-stochastic and nonnegative, has one limit: one closed class, aperiodic.
pub(crate) fn single_limit(supports: &[Support], orientation: Orientation) -> Reach {
    classes(supports, orientation).map_or(Reach::TooLarge, |classes| classes.single_limit())
}

/// Which sums are 1: of rows (a Markov chain from receivers to senders) or of columns (the other way).
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Orientation {
    Rows,
    Columns,
}

/// The ranks that every other one hears from (`Rows`), or that hear from every other one (`Columns`), over the union.
pub(crate) fn roots(phases: &[MixingMatrix], orientation: Orientation) -> Vec<u32> {
    let supports: Vec<Support> = phases.iter().map(Support::new).collect();
    let mut graph = union_graph(&supports);
    if orientation == Orientation::Columns {
        graph.reverse();
    }
    let components = petgraph::algo::kosaraju_scc(&graph);
    let mut component_of = vec![0; graph.node_count()];
    for (index, component) in components.iter().enumerate() {
        component.iter().for_each(|node| component_of[node.index()] = index);
    }
    let entered: std::collections::BTreeSet<usize> = graph
        .raw_edges()
        .iter()
        .map(|edge| (component_of[edge.source().index()], component_of[edge.target().index()]))
        .filter(|(from, to)| from != to)
        .map(|(_, to)| to)
        .collect();
    let sources: Vec<usize> = (0..components.len()).filter(|index| !entered.contains(index)).collect();
    match sources.as_slice() {
        [only] => {
            let mut roots: Vec<u32> = components[*only].iter().map(|node| node.index() as u32).collect();
            roots.sort_unstable();
            roots
        }
        _ => vec![],
    }
}

/// The strongly connected components of the union of all phases, each ascending.
pub(crate) fn components(supports: &[Support]) -> Vec<Vec<u32>> {
    let ascending = |component: Vec<NodeIndex>| {
        let mut ranks: Vec<u32> = component.into_iter().map(|node| node.index() as u32).collect();
        ranks.sort_unstable();
        ranks
    };
    petgraph::algo::kosaraju_scc(&union_graph(supports)).into_iter().map(ascending).collect()
}

/// The graph of the union of all phases, edges from sender to receiver.
fn union_graph(supports: &[Support]) -> DiGraph<(), ()> {
    let size = supports[0].size();
    let mut graph = DiGraph::with_capacity(size, supports.iter().map(Support::edges).sum());
    for _ in 0..size {
        graph.add_node(());
    }
    for support in supports {
        for rank in 0..size as u32 {
            for source in support.sources(rank) {
                if source != rank {
                    graph.add_edge(NodeIndex::new(source as usize), NodeIndex::new(rank as usize), ());
                }
            }
        }
    }
    graph
}

/// What no path from 0 reaches, where each list holds what follows.
fn unreached(following: &[Vec<u32>]) -> Vec<u32> {
    let mut seen = vec![false; following.len()];
    seen[0] = true;
    let mut todo = vec![0];
    while let Some(at) = todo.pop() {
        let new =
            following[at as usize].iter().filter(|next| !std::mem::replace(&mut seen[**next as usize], true));
        todo.extend(new);
    }
    (0..).zip(seen).filter(|(_, seen)| !seen).map(|(rank, _)| rank).collect()
}

/// The same relation from its other end.
fn reversed(rows: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut reversed = vec![vec![]; rows.len()];
    for (rank, row) in (0..).zip(rows) {
        row.iter().for_each(|&other| reversed[other as usize].push(rank));
    }
    reversed
}

/// The communicating classes of the product as a Markov chain.
struct Classes {
    /// Whether they are those of the union of all phases.
    of_union: bool,
    successors: Vec<Vec<u32>>,
    components: Vec<Vec<u32>>,
    closed: Vec<usize>,
}

/// The classes of the product's chain. Where all phases keep a part of their own value, the union has the same
/// classes and all are aperiodic; otherwise the product's support is computed. `None` if that is too large.
fn classes(supports: &[Support], orientation: Orientation) -> Option<Classes> {
    let of_union = supports.len() == 1 || supports.iter().all(Support::has_diagonal);
    let mut successors = if of_union {
        let size = supports[0].size() as u32;
        (0..size)
            .map(|rank| {
                let mut all: Vec<u32> = supports.iter().flat_map(|support| support.sources(rank)).collect();
                all.sort_unstable();
                all.dedup();
                all
            })
            .collect()
    } else {
        product_support(supports)?
    };
    if orientation == Orientation::Columns {
        successors = reversed(&successors);
    }
    let graph: DiGraph<(), ()> = DiGraph::from_edges(
        (0..).zip(&successors).flat_map(|(i, row)| row.iter().map(move |&j| (i as u32, j))),
    );
    let mut components: Vec<Vec<u32>> = petgraph::algo::kosaraju_scc(&graph)
        .into_iter()
        .map(|component| component.into_iter().map(|node| node.index() as u32).collect())
        .collect();
    // Ranks past the last edge are not in the graph; they are classes of their own.
    components.extend((graph.node_count() as u32..successors.len() as u32).map(|rank| vec![rank]));
    components.iter_mut().for_each(|component| component.sort_unstable());
    components.sort();
    let closed = (0..components.len()).filter(|&c| is_closed(&components[c], &successors)).collect();
    Some(Classes { of_union, successors, components, closed })
}

fn is_closed(component: &[u32], successors: &[Vec<u32>]) -> bool {
    component
        .iter()
        .all(|&rank| successors[rank as usize].iter().all(|next| component.binary_search(next).is_ok()))
}

impl Classes {
    fn primitive(&self) -> Reach {
        if self.components.len() > 1 {
            let other = self
                .components
                .iter()
                .find(|component| !component.contains(&0))
                .unwrap_or(&self.components[0]);
            return Reach::No(format!(
                "over whole periods rank 0 and {} do not hear from each other",
                ranks(other.iter().copied())
            ));
        }
        self.single_limit()
    }

    fn single_limit(&self) -> Reach {
        if let [first, second, ..] = self.closed[..] {
            let [first, second] = [first, second].map(|class| ranks(self.components[class].iter().copied()));
            let apart = format!("{first} and {second} never hear from each other");
            return Reach::No(match self.of_union {
                true => format!("the topology is not connected ({apart})"),
                false => format!("over whole periods {apart}"),
            });
        }
        match self.period(&self.components[self.closed[0]]) {
            1 => Reach::Yes,
            0 => Reach::No("a rank keeps nothing and hears nothing".into()),
            period => Reach::No(format!(
                "{} run in a cycle of {period}: values move on and never mix",
                ranks(self.components[self.closed[0]].iter().copied())
            )),
        }
    }

    /// The greatest common divisor of the lengths of the cycles of a strongly connected class.
    fn period(&self, class: &[u32]) -> u64 {
        let mut level = vec![u64::MAX; self.successors.len()];
        level[class[0] as usize] = 0;
        let mut queue = std::collections::VecDeque::from([class[0]]);
        let mut period = 0u64;
        while let Some(at) = queue.pop_front() {
            for &next in &self.successors[at as usize] {
                if level[next as usize] == u64::MAX {
                    level[next as usize] = level[at as usize] + 1;
                    queue.push_back(next);
                } else {
                    let length = (level[at as usize] + 1).abs_diff(level[next as usize]);
                    period = num_integer::gcd(period, length);
                }
            }
        }
        period
    }
}

/// The sources of each rank in the product of all phases, by sets of bits.
fn product_support(supports: &[Support]) -> Option<Vec<Vec<u32>>> {
    let size = supports[0].size();
    let words = size.div_ceil(64);
    let edges: usize = supports.iter().map(Support::edges).sum();
    if (edges as u64 + size as u64) * words as u64 > PRODUCT_BUDGET || size > 1 << 12 {
        return None;
    }
    let mut product = vec![0u64; size * words];
    (0..size).for_each(|rank| product[rank * words + rank / 64] |= 1 << (rank % 64));
    for support in supports {
        let mut next = vec![0u64; size * words];
        for (rank, row) in next.chunks_exact_mut(words).enumerate() {
            for source in support.sources(rank as u32) {
                let from = &product[source as usize * words..][..words];
                row.iter_mut().zip(from).for_each(|(to, from)| *to |= from);
            }
        }
        product = next;
    }
    let bits =
        |row: &[u64]| (0..size as u32).filter(|&j| row[j as usize / 64] >> (j % 64) & 1 == 1).collect();
    Some(product.chunks_exact(words).map(bits).collect())
}

fn deaf(all: impl Iterator<Item = u32>) -> String {
    let ranks = ranks(all);
    let verb = if ranks.starts_with("rank ") { "hears" } else { "hear" };
    format!("{ranks} never {verb} from rank 0")
}

/// `rank 3`, `ranks {4, 5}`, `ranks {1, 2, 3, 4, …}`.
pub(crate) fn ranks(all: impl Iterator<Item = u32>) -> String {
    let first: Vec<String> = all.take(5).map(|rank| rank.to_string()).collect();
    match first.len() {
        1 => format!("rank {}", first[0]),
        5 => format!("ranks {{{}, …}}", first[..4].join(", ")),
        _ => format!("ranks {{{}}}", first.join(", ")),
    }
}
