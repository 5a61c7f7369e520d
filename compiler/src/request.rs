//! What a user asks for: a source, a number of ranks, values of parameters, and what is accepted without proof.

use crate::diagnostic::StageError;
use bfc_dsl::tree::Span;
use miette::Diagnostic;
use thiserror::Error;

/// What to compile, and for how many ranks.
#[derive(Clone, Debug)]
pub struct Request {
    /// The source.
    pub entry: Entry,
    /// The number of ranks, at least 1.
    pub size: u32,
    /// How many ranks share a machine, at least 1.
    pub local_size: u32,
    /// Values of parameters as `(name, expression)`; a name may say whose parameter it is, as in `topology.base`.
    pub parameters: Vec<(String, String)>,
    /// Codes under which claims are accepted that are not decided, such as `requirement_not_decided`, or do not hold,
    /// such as `requirement_refuted`; the schedule records them.
    pub allow: Vec<String>,
    /// What takes the place of what the source says.
    pub combination: Combination,
}

/// Topologies, an algorithm and weights in place of those that a source says: expressions, which know the names of the
/// source, and those of the library with their part or without.
#[derive(Clone, Debug, Default)]
pub struct Combination {
    /// The topologies; each with the algorithm's name for it, where it has several.
    pub topologies: Vec<(Option<String>, String)>,
    /// The algorithm.
    pub algorithm: Option<String>,
    /// The rule that gives the edges of all these topologies, or of the source's, their weights.
    pub weights: Option<String>,
}

impl Combination {
    /// Whether the source says all.
    pub fn is_empty(&self) -> bool {
        self.topologies.is_empty() && self.algorithm.is_none() && self.weights.is_none()
    }
}

/// Where the source comes from.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A name of the library, such as `topology::ring`.
    Library(String),
    /// A topology as an expression, such as `exponential(base = 3)`, or an algorithm, such as
    /// `algorithm::diffusion(lr = 0.1)`.
    Expression(String),
    /// A text, and its name for messages.
    Source {
        /// The name, by which [`Files`] finds what lies beside it.
        name: String,
        /// The text.
        text: String,
    },
}

impl Entry {
    /// Whether a text that names no file is an expression: it ends with a call.
    pub fn is_expression(text: &str) -> bool {
        text.ends_with(')') && text.contains('(')
    }
}

/// Access to the files beside a source.
pub trait Files: Sync {
    /// The name and the text of the file that `use name::…` asks for in the file `from`.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, from: &str, name: &str) -> Result<(String, String), String>;

    /// The text of the file that `edges from "name"` asks for in the file `from`.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read_edges(&self, _from: &str, _name: &str) -> Result<String, String> {
        Err("there are no files beside this source".to_string())
    }
}

/// No files beside the source.
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _from: &str, _name: &str) -> Result<(String, String), String> {
        Err("there are no files beside this source".to_string())
    }
}

/// What is wrong with the request itself rather than with a source.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq)]
#[allow(missing_docs)]
pub enum RequestError {
    #[error("a size of 0 ranks")]
    #[diagnostic(code(bfc::request::size_zero), help("give a size of at least 1"))]
    SizeZero,
    #[error("a local size of {local_size} for {size} ranks")]
    #[diagnostic(
        code(bfc::request::local_size),
        help("give the number of ranks that share a machine: a divisor of {size}")
    )]
    LocalSize { size: u32, local_size: u32 },
    #[error("`{algorithm}` has no topology to analyze")]
    #[diagnostic(code(bfc::request::nothing_to_analyze), help("name a topology, or a schedule with one"))]
    NothingToAnalyze { algorithm: String },
    #[error("the library has no `{name}`")]
    #[diagnostic(code(bfc::request::unknown_library_name))]
    UnknownLibraryName {
        name: String,
        #[help]
        help: Option<String>,
    },
    #[error("`--allow {name}` names no code and no claim")]
    #[diagnostic(code(bfc::request::unknown_allowance), help("{help}"))]
    UnknownAllowance { name: String, help: String },
    #[error("the evaluation thread did not start: {reason}")]
    #[diagnostic(
        code(bfc::request::no_thread),
        help("evaluation needs 256 MiB of address space for its stack")
    )]
    NoThread { reason: String },
}

impl Request {
    /// A request with nothing beside the source and the number of ranks.
    pub fn new(entry: Entry, size: u32) -> Self {
        let (parameters, allow, combination) = (vec![], vec![], Combination::default());
        Self { entry, size, local_size: 1, parameters, allow, combination }
    }

    /// The item of the library that is compiled, where the entry names one.
    pub(crate) fn library_name(&self) -> Option<&str> {
        if let Entry::Library(name) = &self.entry { Some(name) } else { None }
    }

    /// The combination, with what the entry says where it is an expression.
    pub(crate) fn combined(&self) -> Combination {
        let mut combination = self.combination.clone();
        match &self.entry {
            Entry::Expression(text) if text.starts_with("algorithm::") => {
                combination.algorithm.get_or_insert_with(|| text.clone());
            }
            Entry::Expression(text) if combination.topologies.is_empty() => {
                combination.topologies.push((None, text.clone()));
            }
            _ => {}
        }
        combination
    }

    /// # Errors
    /// Numbers of ranks that make no sense.
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        let (size, local_size) = (self.size, self.local_size);
        if size == 0 {
            return Err(RequestError::SizeZero);
        }
        if local_size == 0 || !size.is_multiple_of(local_size) {
            return Err(RequestError::LocalSize { size, local_size });
        }
        Ok(())
    }
}

impl StageError for RequestError {
    fn place(&self) -> Option<Span> {
        None
    }

    fn is_usage(&self) -> bool {
        matches!(self, Self::UnknownAllowance { .. })
    }
}
