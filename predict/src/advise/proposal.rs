//! Topologies, alone and combined, become schedules in the language.

use super::pool::{Known, Pool};
use bfc_compiler::Entry;

/// A topology to try.
pub(super) struct Proposal {
    /// How it is listed.
    pub name: String,
    /// What it is made of.
    parts: Vec<Known>,
    /// What is said of them.
    definition: String,
    /// The topology of the schedule.
    topology: String,
}

impl Proposal {
    /// A topology as it is.
    pub fn plain(known: &Known) -> Self {
        Self {
            name: known.label.clone(),
            parts: vec![known.clone()],
            definition: String::new(),
            topology: known.expression.clone(),
        }
    }

    /// A topology with the weights of another rule.
    pub fn weighted(known: &Known, rule: &str) -> Self {
        let topology = format!("{}_{rule}", known.label.replace("::", "_"));
        Self {
            name: format!("{}, weights {rule}", known.label),
            parts: vec![known.clone()],
            definition: format!("topology {topology} = {} weights {rule}\n\n", known.expression),
            topology,
        }
    }

    /// An exact average inside machines, then a step across them, over and over.
    pub fn hierarchical(inside: &Known, across: &Known) -> Self {
        let mut parts = vec![inside.clone(), across.clone()];
        parts.dedup();
        let (within, between) = (&inside.expression, &across.expression);
        Self {
            name: format!("{} inside, {} across", inside.label, across.label),
            parts,
            definition: format!(
                "topology rest {{ }}\n\ntopology hierarchical = concat([\n    \
                 kronecker(rest at machines, {within} at local_size),\n    \
                 kronecker({between} at machines, rest at local_size),\n])\n\n"
            ),
            topology: "hierarchical".to_string(),
        }
    }

    /// The schedule in the language.
    pub fn source(&self, pool: &Pool<'_>) -> Entry {
        let named = self.parts.iter().chain(&pool.algorithm);
        let imports: Vec<&str> = named.filter_map(|known| known.import.as_deref()).collect();
        let algorithm = pool.algorithm.as_ref().map(|known| format!("    algorithm {}\n", known.expression));
        let topology = &self.topology;
        let schedule =
            format!("schedule {{\n    topology  {topology}\n{}}}\n", algorithm.unwrap_or_default());
        let space = if imports.is_empty() { "" } else { "\n" };
        pool.source(&imports, &format!("{space}{}{schedule}", self.definition))
    }
}
