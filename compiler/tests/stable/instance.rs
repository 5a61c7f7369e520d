//! Random algorithms and topologies, as text and as what the text means.

use num_rational::BigRational;
use num_traits::Zero;

pub type Number = BigRational;

pub fn number(numerator: i64, denominator: i64) -> Number {
    Number::new(numerator.into(), denominator.into())
}

/// SplitMix64.
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// A phase: the weights of its edges, none where there is no edge, and on the diagonal what ranks keep.
#[derive(Clone, Debug)]
pub struct Phase(pub Vec<Vec<Option<Number>>>);

/// A topology and its text.
#[derive(Clone, Debug)]
pub struct Topology {
    pub phases: Vec<Phase>,
    text: String,
}

/// How a state starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Params,
    Gradient,
    Average,
    Number(i64),
}

#[derive(Clone, Debug)]
pub enum Expression {
    State(usize),
    Number(Number),
    Params,
    /// Of the first state.
    Gradient,
    Sum(Box<Expression>, Box<Expression>),
    Difference(Box<Expression>, Box<Expression>),
    Times(Coefficient, Box<Expression>),
    Mix(usize, Box<Expression>),
    /// What the number keeps on its way: with a delay of one or two steps.
    Delayed(usize, usize, Box<Expression>),
    Average(Box<Expression>),
    Incoming(usize, Box<Expression>),
    /// A product with a gradient.
    ByGradient(Box<Expression>),
}

#[derive(Clone, Debug)]
pub enum Coefficient {
    Number(Number),
    /// The input `g`, 3/4.
    Input,
    /// `t mod 2 + 1/2`.
    Alternating,
    Degree(usize),
    /// 1 / (degree + 1).
    PerNeighbour(usize),
}

/// When a step is another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    Never,
    /// `every(k)`.
    Every(u64),
    /// `t < k`.
    Before(u64),
}

impl Condition {
    pub fn holds(self, t: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Every(k) => (t + 1).is_multiple_of(k),
            Self::Before(k) => t < k,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Instance {
    pub size: usize,
    pub topologies: Vec<Topology>,
    pub starts: Vec<Start>,
    pub condition: Condition,
    /// What each state becomes, where the condition holds and where not; one that is missing keeps its value.
    pub steps: [Vec<Option<Expression>>; 2],
}

const NAMES: [&str; 2] = ["A", "B"];

impl Instance {
    pub fn new(seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let size = 2 + draws.below(3);
        let several = 1 + draws.below(4) / 3;
        let topologies: Vec<_> = (0..several).map(|_| topology(&mut draws, size)).collect();
        let states = 1 + draws.below(3);
        let starts = [
            Start::Params,
            Start::Params,
            Start::Gradient,
            Start::Average,
            Start::Number(1),
            Start::Number(2),
        ];
        let starts: Vec<_> = (0..states).map(|_| draws.one_of(&starts)).collect();
        let mut maker =
            Maker { draws: &mut draws, states, topologies: several, delays: 0, conditional: false };
        let condition = match maker.draws.below(8) {
            0 => Condition::Every(2),
            1 => Condition::Every(3),
            2 => Condition::Before(2),
            _ => Condition::Never,
        };
        maker.conditional = condition != Condition::Never;
        let otherwise: Vec<_> = (0..states).map(|state| maker.next(state)).collect();
        let then = match condition {
            Condition::Never => otherwise.clone(),
            _ => (0..states).map(|state| maker.next(state)).collect(),
        };
        Self { size, topologies, starts, condition, steps: [then, otherwise] }
    }

    /// Graphs whose structure decides, of a few more ranks: edges i → d i + c, and ranks that are alike two apart; states
    /// that are polynomials in the mixing matrix.
    pub fn structured(seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let kind = 9 + draws.below(2);
        let size = if kind == 9 { 3 + draws.below(5) } else { 4 + 2 * draws.below(2) };
        let phases = if kind == 9 { 1 } else { 1 + draws.below(3) };
        let topologies = vec![of_kind(&mut draws, size, kind, phases)];
        let states = 1 + draws.below(2);
        let next = |draws: &mut Draws| {
            let factors = [(1, 1), (1, 2), (-1, 2), (2, 1), (-1, 1), (3, 4)];
            let terms = (0..1 + draws.below(3)).map(|_| {
                let factor = draws.one_of(&factors);
                let mixes = draws.below(3);
                let state = Expression::State(draws.below(states));
                let mixed = (0..mixes).fold(state, |value, _| Expression::Mix(0, Box::new(value)));
                Expression::Times(Coefficient::Number(number(factor.0, factor.1)), Box::new(mixed))
            });
            let terms: Vec<Expression> = terms.collect();
            terms.into_iter().reduce(|a, b| Expression::Sum(Box::new(a), Box::new(b)))
        };
        let mut step: Vec<Option<Expression>> = (0..states).map(|_| next(&mut draws)).collect();
        // Something is sent in every step.
        let mixed = Expression::Mix(0, Box::new(Expression::State(0)));
        let half = Expression::Times(Coefficient::Number(number(1, 2)), Box::new(mixed));
        step[0] = step[0].take().map(|first| Expression::Sum(Box::new(first), Box::new(half)));
        let starts = vec![Start::Params; states];
        Self { size, topologies, starts, condition: Condition::Never, steps: [step.clone(), step] }
    }

    /// The program.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, topology) in NAMES.iter().zip(&self.topologies) {
            text += &format!("topology of_{name} {{\n{}}}\n", topology.text);
        }
        let given: Vec<String> =
            NAMES[..self.topologies.len()].iter().map(|name| format!("{name} = of_{name}")).collect();
        text += &format!("schedule {{\ntopology {}\nalgorithm a\n}}\n", given.join(", "));
        let over = NAMES[..self.topologies.len()].join(", ");
        text += &format!("algorithm a(g: scalar = 3/4) over {over} {{\nrequires stable\n");
        for (state, start) in self.starts.iter().enumerate() {
            let start = match start {
                Start::Params => "params".into(),
                Start::Gradient => "grad(params)".into(),
                Start::Average => "average(params)".into(),
                Start::Number(number) => number.to_string(),
            };
            text += &format!("state s{state} = {start}\n");
        }
        let lines = |step: &[Option<Expression>]| {
            let line = |(state, next): (usize, &Option<Expression>)| {
                next.as_ref().map(|next| format!("s{state} <- {}\n", shown(next)))
            };
            step.iter().enumerate().filter_map(line).collect::<String>()
        };
        let condition = match self.condition {
            Condition::Never => String::new(),
            Condition::Every(k) => format!("every({k})"),
            Condition::Before(k) => format!("t < {k}"),
        };
        let [then, otherwise] = &self.steps;
        let step = match condition.is_empty() {
            true => lines(otherwise),
            false => format!("if {condition} {{\n{}}} else {{\n{}}}\n", lines(then), lines(otherwise)),
        };
        text + &format!("step {{\n{step}}}\n}}\n")
    }
}

fn shown(expression: &Expression) -> String {
    match expression {
        Expression::State(state) => format!("s{state}"),
        Expression::Number(number) => format!("({number})"),
        Expression::Params => "params".into(),
        Expression::Gradient => "grad(s0)".into(),
        Expression::Sum(a, b) => format!("({} + {})", shown(a), shown(b)),
        Expression::Difference(a, b) => format!("({} - {})", shown(a), shown(b)),
        Expression::Times(factor, v) => {
            let v = shown(v);
            match factor {
                Coefficient::Number(number) => format!("({number}) * {v}"),
                Coefficient::Input => format!("g * {v}"),
                Coefficient::Alternating => format!("(t mod 2 + 1/2) * {v}"),
                Coefficient::Degree(k) => format!("degree({}) * {v}", NAMES[*k]),
                Coefficient::PerNeighbour(k) => format!("{v} / (degree({}) + 1)", NAMES[*k]),
            }
        }
        Expression::Mix(k, v) => format!("mix({}, {})", shown(v), NAMES[*k]),
        Expression::Delayed(k, delay, v) => format!("mix({}, {}, delay = {delay})", shown(v), NAMES[*k]),
        Expression::Average(v) => format!("average({})", shown(v)),
        Expression::Incoming(k, v) => format!("incoming({}, {})", shown(v), NAMES[*k]),
        Expression::ByGradient(v) => format!("grad(s0) * ({})", shown(v)),
    }
}

struct Maker<'a> {
    draws: &'a mut Draws,
    states: usize,
    topologies: usize,
    delays: usize,
    conditional: bool,
}

impl Maker<'_> {
    /// What a state becomes: something that mixes, or keeps, and pieces of others.
    fn next(&mut self, state: usize) -> Option<Expression> {
        if self.draws.chance(12) {
            return None;
        }
        if self.draws.chance(16) {
            return Some(Expression::Times(
                Coefficient::Number(number(1, 1)),
                Box::new(Expression::State(state)),
            ));
        }
        let own = Expression::State(if self.draws.chance(4) { self.draws.below(self.states) } else { state });
        let mut sum = self.wrapped(own, 2);
        // What the trainer brings and answers may cancel, where it comes twice.
        let mut answered = false;
        for _ in 0..self.draws.below(3) {
            let term = self.term(answered);
            answered |= matches!(term, Expression::Params | Expression::Gradient);
            let (sum_, term) = (Box::new(sum), Box::new(term));
            sum = if self.draws.chance(3) {
                Expression::Difference(sum_, term)
            } else {
                Expression::Sum(sum_, term)
            };
        }
        Some(if self.draws.chance(3) { self.wrapped(sum, 1) } else { sum })
    }

    fn term(&mut self, answered: bool) -> Expression {
        match self.draws.below(10) {
            0 if !answered => Expression::Gradient,
            1 => Expression::Number(number(1, 2)),
            2 if !answered => Expression::Params,
            3 if self.draws.chance(3) => {
                Expression::ByGradient(Box::new(Expression::State(self.draws.below(self.states))))
            }
            _ => {
                let state = Expression::State(self.draws.below(self.states));
                let wrapped = self.wrapped(state, 2);
                self.scaled(wrapped)
            }
        }
    }

    fn scaled(&mut self, v: Expression) -> Expression {
        let topology = self.draws.below(self.topologies);
        let factor = match self.draws.below(12) {
            0 => Coefficient::Input,
            1 => Coefficient::Alternating,
            2 => Coefficient::Degree(topology),
            3 => Coefficient::PerNeighbour(topology),
            _ => {
                let (a, b) =
                    self.draws.one_of(&[(1, 2), (1, 4), (-1, 2), (3, 4), (1, 10), (-1, 8), (3, 2), (1, 3)]);
                Coefficient::Number(number(a, b))
            }
        };
        Expression::Times(factor, Box::new(v))
    }

    fn wrapped(&mut self, mut v: Expression, most: usize) -> Expression {
        for _ in 0..self.draws.below(most + 1) {
            let topology = self.draws.below(self.topologies);
            let of = Box::new(v);
            v = match self.draws.below(12) {
                0 | 1 => Expression::Average(of),
                2 => Expression::Times(
                    Coefficient::PerNeighbour(topology),
                    Box::new(Expression::Incoming(topology, of)),
                ),
                3 => Expression::Incoming(topology, of),
                4 => self.scaled(*of),
                5 if !self.conditional && self.delays < 2 => {
                    self.delays += 1;
                    Expression::Delayed(topology, 1 + self.draws.below(2), of)
                }
                6 => {
                    let degree = Expression::Times(Coefficient::Degree(topology), of.clone());
                    let difference = Expression::Difference(
                        Box::new(Expression::Incoming(topology, of.clone())),
                        Box::new(degree),
                    );
                    let part = Expression::Times(Coefficient::Number(number(1, 5)), Box::new(difference));
                    Expression::Sum(of, Box::new(part))
                }
                _ => Expression::Mix(topology, of),
            };
        }
        v
    }
}

fn topology(draws: &mut Draws, size: usize) -> Topology {
    let count = if draws.chance(4) { 2 } else { 1 };
    let kind = draws.below(9);
    of_kind(draws, size, kind, count)
}

fn of_kind(draws: &mut Draws, size: usize, kind: usize, count: usize) -> Topology {
    let all: Vec<(Phase, String)> = (0..count).map(|_| phase(draws, kind, size)).collect();
    let text = match all.as_slice() {
        [(_, text)] => text.clone(),
        several => several.iter().map(|(_, text)| format!("phase {{\n{text}}}\n")).collect(),
    };
    Topology { phases: all.into_iter().map(|(phase, _)| phase).collect(), text }
}

/// The weights of edges (to, from); what a row leaves, or these own weights, on the diagonal.
fn weighted(size: usize, edges: &[(usize, usize, Number)], own: Option<Vec<Number>>) -> (Phase, String) {
    let mut rows = vec![vec![None; size]; size];
    let mut text = String::new();
    for (to, from, weight) in edges {
        rows[*to][*from] = Some(weight.clone());
        text += &format!("{from} -> {to} weight {weight}\n");
    }
    for rank in 0..size {
        let rest = Number::from_integer(1.into()) - rows[rank].iter().flatten().sum::<Number>();
        let weight = own.as_ref().map_or(rest, |own| own[rank].clone());
        if own.is_some() {
            text += &format!("self {rank} weight {weight}\n");
        }
        rows[rank][rank] = Some(weight);
    }
    (Phase(rows), text)
}

/// The matrix of these entries; what is 0 off the diagonal is no edge.
fn dense(size: usize, rows: Vec<Vec<Number>>) -> (Phase, String) {
    let own = (0..size).map(|rank| rows[rank][rank].clone()).collect();
    let all = (0..size).flat_map(|to| (0..size).map(move |from| (to, from)));
    let edges: Vec<_> = all
        .filter(|&(to, from)| to != from && !rows[to][from].is_zero())
        .map(|(to, from)| (to, from, rows[to][from].clone()))
        .collect();
    weighted(size, &edges, Some(own))
}

fn pairs(draws: &mut Draws, size: usize) -> Vec<(usize, usize)> {
    let star = draws.chance(2);
    let all = (0..size).flat_map(|i| (0..i).map(move |j| (i, j)));
    all.filter(|(i, j)| if star { *j == 0 } else { i - j == 1 || draws.chance(2) }).collect()
}

fn phase(draws: &mut Draws, kind: usize, size: usize) -> (Phase, String) {
    let both =
        |pairs: &[(usize, usize)], weight: &dyn Fn(usize, usize) -> Number| -> Vec<(usize, usize, Number)> {
            pairs.iter().flat_map(|&(i, j)| [(i, j, weight(i, j)), (j, i, weight(j, i))]).collect()
        };
    let degrees = |pairs: &[(usize, usize)]| {
        let mut degrees = vec![0i64; size];
        pairs.iter().for_each(|(i, j)| {
            degrees[*i] += 1;
            degrees[*j] += 1;
        });
        degrees
    };
    match kind {
        // Metropolis.
        0 | 1 => {
            let pairs = pairs(draws, size);
            let degrees = degrees(&pairs);
            weighted(size, &both(&pairs, &|i, j| number(1, 1 + degrees[i].max(degrees[j]))), None)
        }
        // Rows sum to 1, or columns do.
        2 | 3 => {
            let pairs = pairs(draws, size);
            let degrees = degrees(&pairs);
            let of = |to: usize, from: usize| number(1, 1 + degrees[if kind == 2 { to } else { from }]);
            let own = (0..size).map(|rank| number(1, 1 + degrees[rank])).collect();
            weighted(size, &both(&pairs, &of), Some(own))
        }
        // Every rank alike, at times with rows that sum to another number.
        4 | 5 => {
            let hops: Vec<usize> = (1..size).filter(|_| !draws.chance(3)).collect();
            let weight = draws.one_of(&[number(1, 3), number(1, 4), number(-1, 5), number(2, 3)]);
            let mut rows = vec![vec![None; size]; size];
            let mut text = String::from("for i in ranks {\n");
            let own = if draws.chance(2) {
                let own = draws.one_of(&[number(1, 3), number(1, 2), number(0, 1), number(-1, 4)]);
                text += &format!("self i weight {own}\n");
                own
            } else {
                Number::from_integer(1.into()) - &weight * Number::from_integer(hops.len().into())
            };
            for hop in &hops {
                text += &format!("i -> (i + {hop}) mod size weight {weight}\n");
            }
            for rank in 0..size {
                rows[rank][rank] = Some(own.clone());
                hops.iter().for_each(|hop| rows[(rank + hop) % size][rank] = Some(weight.clone()));
            }
            (Phase(rows), text + "}\n")
        }
        // i → d i + c, as in de Bruijn's and Kautz' graphs: doubly stochastic, or with weights of their own.
        9 => {
            let (degree, first) = (1 + draws.below(size), draws.below(size));
            let even = number(1, degree as i64);
            let weights = if draws.chance(3) {
                (0..degree).map(|_| draws.one_of(&[number(1, 3), number(1, 2), number(-1, 4)])).collect()
            } else {
                vec![even; degree]
            };
            let sign = if draws.chance(2) { size - 1 } else { 1 };
            let mut rows = vec![vec![Number::zero(); size]; size];
            for (rank, (offset, weight)) in
                (0..size).flat_map(|rank| weights.iter().enumerate().map(move |weight| (rank, weight)))
            {
                rows[(sign * degree * rank + first + offset) % size][rank] += weight;
            }
            dense(size, rows)
        }
        // Every other rank alike.
        10 => {
            let width = if size.is_multiple_of(2) { 2 } else { size };
            let weights =
                [number(1, 2), number(1, 3), number(-1, 4), number(1, 1), Number::zero(), Number::zero()];
            let first: Vec<Vec<Number>> =
                (0..width).map(|_| (0..size).map(|_| draws.one_of(&weights)).collect()).collect();
            let keeps = draws.chance(2);
            let mut rows = vec![vec![Number::zero(); size]; size];
            for (to, from) in (0..size).flat_map(|to| (0..size).map(move |from| (to, from))) {
                rows[to][from] = first[to % width][(from + size - to / width * width) % size].clone();
            }
            for (rank, row) in rows.iter_mut().enumerate().filter(|_| keeps) {
                row[rank] = Number::zero();
                row[rank] = Number::from_integer(1.into()) - row.iter().sum::<Number>();
            }
            dense(size, rows)
        }
        // Any edges with any weights; those that remain keep rows at 1, or do not.
        _ => {
            let mut edges = vec![];
            for (i, j) in (0..size).flat_map(|i| (0..size).map(move |j| (i, j))).filter(|(i, j)| i != j) {
                if draws.chance(2) {
                    let weight = draws.one_of(&[(1, 3), (1, 4), (1, 2), (-1, 4), (0, 1), (1, 1)]);
                    edges.push((i, j, number(weight.0, weight.1)));
                }
            }
            let rest = draws.one_of(&[Number::zero(), number(1, 2), number(1, 3)]);
            let own = (0..size).map(|_| if draws.chance(3) { number(1, 4) } else { rest.clone() }).collect();
            let own = if kind == 6 { None } else { Some(own) };
            weighted(size, &edges, own)
        }
    }
}
