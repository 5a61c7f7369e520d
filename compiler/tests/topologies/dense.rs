//! Compiled topologies as dense matrices, and plain computations with them.

use bfc_compiler::{Analysis, Assumptions, Compiled, Detail, Entry, NoFiles, Request};
use bfc_schedule::{MixingMatrix, Rank, Rational};

/// `matrix[i][j]` is what rank i takes of rank j.
pub type Matrix = Vec<Vec<Rational>>;

/// What is asked of the library.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub name: &'a str,
    pub size: u32,
    pub local_size: u32,
    pub parameters: &'a [(&'a str, &'a str)],
}

/// A topology of the library with its defaults, one rank to a machine.
pub fn ask(name: &str, size: u32) -> Ask<'_> {
    Ask { name, size, local_size: 1, parameters: &[] }
}

impl<'a> Ask<'a> {
    pub fn with(self, parameters: &'a [(&'a str, &'a str)]) -> Self {
        Self { parameters, ..self }
    }

    pub fn sharing(self, local_size: u32) -> Self {
        Self { local_size, ..self }
    }

    fn request(self) -> Request {
        let parameters =
            self.parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let entry = Entry::Library(format!("topology::{}", self.name));
        Request { local_size: self.local_size, parameters, ..Request::new(entry, self.size) }
    }

    pub fn compile(self) -> Compiled {
        let Self { name, size, local_size, parameters } = self;
        bfc_compiler::compile(&self.request(), &NoFiles).unwrap_or_else(|error| {
            panic!("{name} at {size} with {local_size} to a machine, {parameters:?}: {error}")
        })
    }

    pub fn is_refused(self) -> bool {
        let refused = bfc_compiler::compile(&self.request(), &NoFiles);
        refused.is_err_and(|error| error.codes() == ["bfc::evaluate::precondition"])
    }

    pub fn analyze(self) -> Analysis {
        let Self { name, size, .. } = self;
        bfc_compiler::analyze(&self.request(), &NoFiles)
            .unwrap_or_else(|error| panic!("{name} at {size}: {error}"))
    }

    /// Under other assumptions than the usual ones.
    pub fn analyze_with(self, assumptions: Assumptions) -> Analysis {
        let Self { name, size, .. } = self;
        bfc_compiler::analyze_on(&self.request(), &NoFiles, assumptions, Detail::Numbers)
            .unwrap_or_else(|error| panic!("{name} at {size}: {error}"))
    }

    /// With curves, limits and means over draws.
    pub fn analyze_with_curves(self) -> Analysis {
        let Self { name, size, .. } = self;
        bfc_compiler::analyze_on(
            &self.request(),
            &NoFiles,
            bfc_compiler::Assumptions::default(),
            Detail::Curves,
        )
        .unwrap_or_else(|error| panic!("{name} at {size}: {error}"))
    }

    pub fn phases(self) -> Vec<Matrix> {
        phases(&self.compile())
    }
}

/// A source that names the library.
pub fn source(text: &str, size: u32) -> Request {
    let entry = Entry::Source { name: "test.bf".into(), text: text.into() };
    Request::new(entry, size)
}

/// The phases of the only topology.
pub fn phases(compiled: &Compiled) -> Vec<Matrix> {
    compiled.schedule.topologies()[0].phases.iter().map(|phase| dense(&phase.matrix)).collect()
}

fn dense(matrix: &MixingMatrix) -> Matrix {
    let size = matrix.size();
    let row = |rank: u32| {
        let mut entries = vec![Rational::zero(); size as usize];
        let row = matrix.row(Rank(rank));
        row.in_weights.into_iter().for_each(|(source, weight)| entries[source.index()] = weight);
        entries[rank as usize] = row.self_weight;
        entries
    };
    (0..size).map(row).collect()
}

/// The matrix whose entries off the diagonal are sums of the given (receiver, sender, weight); rows sum to 1.
pub fn matrix(size: usize, edges: impl IntoIterator<Item = (usize, usize, Rational)>) -> Matrix {
    let mut matrix = vec![vec![Rational::zero(); size]; size];
    for (to, from, weight) in edges {
        if to != from {
            matrix[to][from] = &matrix[to][from] + &weight;
        }
    }
    for (rank, row) in matrix.iter_mut().enumerate() {
        row[rank] = Rational::one() - row.iter().cloned().sum();
    }
    matrix
}

/// Weights 1/(1 + the larger degree) on an undirected graph.
pub fn metropolis(size: usize, adjacent: impl Fn(usize, usize) -> bool) -> Matrix {
    let linked = |i: usize, j: usize| i != j && (adjacent(i, j) || adjacent(j, i));
    let degree = |i: usize| (0..size).filter(|&j| linked(i, j)).count();
    let degrees: Vec<usize> = (0..size).map(degree).collect();
    let pairs = (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
    let weight = |(i, j): (usize, usize)| (i, j, Rational::new(1, degrees[i].max(degrees[j]) + 1));
    matrix(size, pairs.filter(|&(i, j)| linked(i, j)).map(weight))
}

/// The last phase times … times the first.
pub fn product(phases: &[Matrix]) -> Matrix {
    let size = phases[0].len();
    let identity = matrix(size, []);
    phases.iter().fold(identity, |product, phase| {
        let row = |weights: &Vec<Rational>| {
            let used: Vec<_> = weights.iter().zip(&product).filter(|(weight, _)| !weight.is_zero()).collect();
            (0..size).map(|j| used.iter().map(|(weight, row)| *weight * &row[j]).sum()).collect()
        };
        phase.iter().map(row).collect()
    })
}

/// Whether all entries are 1/n.
pub fn is_average(matrix: &Matrix) -> bool {
    let mean = Rational::new(1, matrix.len());
    matrix.iter().flatten().all(|entry| *entry == mean)
}

pub fn is_symmetric(matrix: &Matrix) -> bool {
    (0..matrix.len()).all(|i| (0..i).all(|j| matrix[i][j] == matrix[j][i]))
}

pub fn is_doubly_stochastic(matrix: &Matrix) -> bool {
    let one = Rational::one();
    let column = |j: usize| matrix.iter().map(|row| row[j].clone()).sum::<Rational>();
    matrix
        .iter()
        .all(|row| row.iter().cloned().sum::<Rational>() == one && row.iter().all(|w| !w.is_negative()))
        && (0..matrix.len()).all(|j| column(j) == one)
}

/// Messages: (sender, receiver).
pub fn messages(matrix: &Matrix) -> Vec<(usize, usize)> {
    let sources =
        |to: usize| (0..matrix.len()).filter(move |&from| from != to && !matrix[to][from].is_zero());
    (0..matrix.len()).flat_map(|to| sources(to).map(move |from| (from, to))).collect()
}

/// The largest eigenvalue of a symmetric positive semidefinite matrix minus J, where 1 is an eigenvector to 1.
pub fn second_eigenvalue(matrix: &[Vec<f64>]) -> f64 {
    let n = matrix.len();
    let mut x: Vec<f64> = (0..n).map(|i| ((i * i + 3 * i) % 17) as f64 + (i as f64).sin()).collect();
    let mut value = 0.0;
    for _ in 0..2000 {
        let mean = x.iter().sum::<f64>() / n as f64;
        x.iter_mut().for_each(|entry| *entry -= mean);
        let norm = x.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
        x.iter_mut().for_each(|entry| *entry /= norm);
        let next: Vec<f64> =
            matrix.iter().map(|row| row.iter().zip(&x).map(|(weight, entry)| weight * entry).sum()).collect();
        value = next.iter().zip(&x).map(|(a, b)| a * b).sum();
        x = next;
    }
    value
}

/// The mean of WᵀW over phases.
pub fn mean_gram(phases: &[Matrix]) -> Vec<Vec<f64>> {
    let n = phases[0].len();
    let mut mean = vec![vec![0.0; n]; n];
    for phase in phases {
        for row in phase {
            let row: Vec<(usize, f64)> =
                row.iter().enumerate().filter(|(_, w)| !w.is_zero()).map(|(j, w)| (j, w.to_f64())).collect();
            for &(i, a) in &row {
                row.iter().for_each(|&(j, b)| mean[i][j] += a * b / phases.len() as f64);
            }
        }
    }
    mean
}
