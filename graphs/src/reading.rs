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

    /// The line, with flags in these words.
    pub fn text(&self, word: impl Fn(&str) -> String) -> String {
        let fact = |(fact, flag): &(String, Option<&str>)| match flag {
            Some(flag) => format!("{fact} ({})", word(flag)),
            None => fact.clone(),
        };
        let facts: Vec<String> = self.facts.iter().map(fact).collect();
        let colon = if facts.is_empty() { "" } else { ": " };
        format!("read as {}{colon}{}", self.format, facts.join(", "))
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(str::to_string))
    }
}
