//! The words that are known everywhere: built-in functions with how they are called, names with a value, and what a
//! mistyped word may have meant. Names alone, so that resolution needs no evaluation.

use bfc_dsl::tree::Argument;
use bfc_schedule::compression::Float;

/// Names with a value in every source.
pub const GLOBALS: [&str; 4] = ["size", "ranks", "local_size", "machines"];

/// Functions that only the equations of an algorithm have; nothing that calls them is known when compiling.
pub const EQUATION_CALLS: [&str; 13] = [
    "mix", "average", "grad", "adapt", "every", "prox", "norm", "dot", "degree", "compress", "incoming",
    "back", "pair",
];

/// Names with a value that only algorithms have: the number of steps done, and the trainer's initial model.
pub const ALGORITHM_NAMES: [&str; 2] = ["t", "params"];

/// Built-in functions that take values of the run, element by element.
pub const ELEMENTWISE: [&str; 8] = ["abs", "sqrt", "log", "floor", "ceil", "min", "max", "random"];

/// Built-in functions whose value is a topology.
pub const COMBINATIONS: [&str; 9] =
    ["cartesian", "concat", "cycle", "kronecker", "lazy", "permute", "symmetrize", "transpose", "union"];

/// The codec that keeps the signs.
pub const SIGN: &str = "sign";

/// The best value that is proved, of a parameter of an algorithm.
pub const BEST: &str = "best";

/// The names of codecs without parameters: a format of numbers stands for the cast to it.
pub fn codecs() -> impl Iterator<Item = &'static str> {
    Float::ALL.into_iter().map(Float::name).chain([SIGN])
}

/// A built-in function: its name, and how many arguments it takes.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// How it is called.
    pub name: &'static str,
    /// The fewest arguments.
    pub least: usize,
    /// The most arguments.
    pub most: usize,
}

const MANY: usize = usize::MAX;

/// All built-in functions, by name.
pub const BUILTINS: [Builtin; 48] = [
    Builtin::new("abs", 1, 1),
    Builtin::new("cartesian", 1, MANY),
    Builtin::new("cast", 1, 1),
    Builtin::new("ceil", 1, 1),
    Builtin::new("ceil_log", 2, 2),
    Builtin::new("concat", 1, MANY),
    Builtin::new("connected", 1, 1),
    Builtin::new("contains", 2, 2),
    Builtin::new("cycle", 1, 1),
    Builtin::new("edges", 1, 1),
    Builtin::new("eigenvalues", 1, 1),
    Builtin::new("floor", 1, 1),
    Builtin::new("floor_log", 2, 2),
    Builtin::new("floor_sqrt", 1, 1),
    Builtin::new("gcd", 1, MANY),
    Builtin::new("is_power", 2, 2),
    Builtin::new("is_prime", 1, 1),
    Builtin::new("kronecker", 1, MANY),
    Builtin::new("lazy", 2, 2),
    Builtin::new("lcm", 1, MANY),
    Builtin::new("len", 1, 1),
    Builtin::new("log", 1, 2),
    Builtin::new("low_rank", 1, 2),
    Builtin::new("matcha_probabilities", 2, 2),
    Builtin::new("matcha_step", 2, 2),
    Builtin::new("matching", 1, 1),
    Builtin::new("matchings", 1, 1),
    Builtin::new("max", 1, MANY),
    Builtin::new("min", 1, MANY),
    Builtin::new("permute", 2, 2),
    Builtin::new("phases", 1, 1),
    Builtin::new("prime_factors", 1, 1),
    Builtin::new("product", 1, 1),
    Builtin::new("quantize", 1, 2),
    Builtin::new("random", 2, MANY),
    Builtin::new("random_int", 3, MANY),
    Builtin::new("random_k", 2, 2),
    Builtin::new("reversed", 1, 1),
    Builtin::new("shuffle", 3, MANY),
    Builtin::new("sort", 1, 1),
    Builtin::new("sqrt", 1, 1),
    Builtin::new("sum", 1, 1),
    Builtin::new("symmetrize", 1, 1),
    Builtin::new("top_fraction", 1, 1),
    Builtin::new("top_k", 1, 1),
    Builtin::new("transpose", 1, 1),
    Builtin::new("union", 1, MANY),
    Builtin::new("without", 2, 2),
];

/// The built-in function of a name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    let at = BUILTINS.binary_search_by(|builtin| builtin.name.cmp(name)).ok()?;
    BUILTINS.get(at)
}

impl Builtin {
    const fn new(name: &'static str, least: usize, most: usize) -> Self {
        Self { name, least, most }
    }

    /// Whether it can be called with these arguments.
    pub fn takes(&self, arguments: &[Argument]) -> bool {
        let by_place = arguments.iter().all(|argument| argument.name.is_none());
        by_place && (self.least..=self.most).contains(&arguments.len())
    }

    /// What it takes, in words.
    pub fn expected(&self) -> String {
        let count = match (self.least, self.most) {
            (1, 1) => "one argument".to_string(),
            (1, MANY) => "one argument or more".to_string(),
            (least, MANY) => format!("{least} arguments or more"),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        };
        format!("{count}, by place")
    }
}

/// The nearest of `known` to a mistyped `name`, if any is near; of several the first.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    nearest_fitting(name, known, [])
}

/// As [`nearest`]: of names that can stand at a place and of `others`, which cannot and must be nearer by an edit.
pub(crate) fn nearest_fitting<'n>(
    name: &str,
    fitting: impl IntoIterator<Item = &'n str>,
    others: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let allowed = 1 + name.chars().count() / 4;
    let fitting = fitting.into_iter().map(|candidate| (candidate, 0));
    let others = others.into_iter().map(|candidate| (candidate, 1));
    fitting
        .chain(others)
        .map(|(candidate, misfit)| (candidate, edit_distance(name, candidate), misfit))
        .filter(|(candidate, distance, _)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(_, distance, misfit)| (distance + misfit, *misfit))
        .map(|(candidate, ..)| candidate)
}

/// Insertions, deletions, replacements and exchanges of neighbours that lead from `a` to `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1);
            best = best.min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
