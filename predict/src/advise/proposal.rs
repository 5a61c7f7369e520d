//! Topologies of the library, alone and combined, become schedules in the language.

/// A topology to try.
pub(super) struct Proposal {
    /// How it is listed.
    pub name: String,
    /// Library names without their part.
    uses: Vec<String>,
    /// What is said of them.
    definition: String,
    /// The topology of the schedule.
    topology: String,
}

impl Proposal {
    /// A topology as it is.
    pub fn plain(name: &str) -> Self {
        Self {
            name: name.to_string(),
            uses: vec![name.to_string()],
            definition: String::new(),
            topology: name.to_string(),
        }
    }

    /// A topology with the weights of another rule.
    pub fn weighted(name: &str, rule: &str) -> Self {
        let topology = format!("{name}_{rule}");
        Self {
            name: format!("{name}, weights {rule}"),
            uses: vec![name.to_string()],
            definition: format!("topology {topology} = {name} weights {rule}\n"),
            topology,
        }
    }

    /// An exact average inside machines, then a step across them, over and over.
    pub fn hierarchical(inside: &str, across: &str) -> Self {
        let mut uses = vec![inside.to_string(), across.to_string()];
        uses.dedup();
        Self {
            name: format!("{inside} inside, {across} across"),
            uses,
            definition: format!(
                "topology rest {{ }}\n\ntopology hierarchical = concat([\n    \
                 kronecker(rest at machines, {inside} at local_size),\n    \
                 kronecker({across} at machines, rest at local_size),\n])\n"
            ),
            topology: "hierarchical".to_string(),
        }
    }

    /// The schedule in the language.
    pub fn source(&self, algorithm: Option<&str>) -> String {
        let mut text: String = self.uses.iter().map(|name| format!("use topology::{name}\n")).collect();
        if let Some(algorithm) = algorithm {
            text.push_str(&format!("use algorithm::{algorithm}\n"));
        }
        if !self.definition.is_empty() {
            text.push_str(&format!("\n{}", self.definition));
        }
        let algorithm = algorithm.map(|name| format!("    algorithm {name}\n")).unwrap_or_default();
        text + &format!("\nschedule {{\n    topology  {}\n{algorithm}}}\n", self.topology)
    }
}
