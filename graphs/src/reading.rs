//! What a file was taken for, in one line, with the flag that says otherwise.

use std::fmt;

/// What a file was taken for.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its format, such as `an edge list`.
    pub format: String,
    /// What else was read from it, each with the flag that says otherwise, if there is one.
    pub facts: Vec<(String, Option<&'static str>)>,
    /// What does not fit together, and what a user should know.
    pub notes: Vec<String>,
}

impl Reading {
    /// A format of which nothing else is said.
    pub fn new(format: impl Into<String>) -> Self {
        Self { format: format.into(), facts: vec![], notes: vec![] }
    }

    /// Adds a fact.
    pub fn say(&mut self, fact: impl Into<String>, flag: impl Into<Option<&'static str>>) {
        self.facts.push((fact.into(), flag.into()));
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read as {}", self.format)?;
        for (index, (fact, flag)) in self.facts.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            f.write_str(fact)?;
            if let Some(flag) = flag {
                write!(f, " ({flag})")?;
            }
        }
        Ok(())
    }
}
