//! From `.bf` source to a proved schedule. A pure library: no file, clock or environment.

pub mod algorithm;
pub mod claim;
pub mod diagnostic;
mod entry;
pub mod evaluate;
pub mod library;
pub mod lower;
pub mod prove;
pub mod resolve;
pub mod topology;

pub use diagnostic::Diagnostics;

use diagnostic::{Error, RequestError};
use entry::Target;
use evaluate::Evaluator;
use evaluate::expression::Limits;
use evaluate::topology::Topologies;
use resolve::Program;
use topology::Topology;

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
    /// Verdicts short of a proof that are accepted: `not_decided`, `within`.
    pub allow: Vec<String>,
}

/// Where the source comes from.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A name of the library, such as `topology::ring`.
    Library(String),
    /// A text, and its name for messages.
    Source {
        /// The name, by which [`Files`] finds what lies beside it.
        name: String,
        /// The text.
        text: String,
    },
}

/// Access to the files beside a source.
pub trait Files {
    /// The name and the text of the file that `use name::…` asks for in the file `from`.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, from: &str, name: &str) -> Result<(String, String), String>;
}

/// No files beside the source.
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _from: &str, _name: &str) -> Result<(String, String), String> {
        Err("there are no files beside this source".to_string())
    }
}

/// The topologies of a request, evaluated.
///
/// # Errors
/// All errors of the first stage that has any.
pub fn topologies(request: &Request, files: &dyn Files) -> Result<Vec<Topology>, Diagnostics> {
    let program = program(request, files)?;
    evaluate(request, &program)
}

fn program(request: &Request, files: &dyn Files) -> Result<Program, Diagnostics> {
    if request.size == 0 {
        return Err(RequestError::SizeZero.into());
    }
    if request.local_size == 0 {
        return Err(RequestError::LocalSizeZero.into());
    }
    let (name, text) = match &request.entry {
        Entry::Source { name, text } => (name.as_str(), text.as_str()),
        Entry::Library(name) => (name.as_str(), library_source(name)?),
    };
    resolve::load(name, text, &request.parameters, files)
}

fn library_source(name: &str) -> Result<&'static str, Diagnostics> {
    library::source(name).ok_or_else(|| {
        let help = evaluate::nearest(name, library::names()).map(|near| format!("did you mean `{near}`?"));
        RequestError::UnknownLibraryName { name: name.to_string(), help }.into()
    })
}

fn evaluate(request: &Request, program: &Program) -> Result<Vec<Topology>, Diagnostics> {
    let evaluated = evaluate::on_deep_stack(|| {
        let library_name = if let Entry::Library(name) = &request.entry { Some(name.as_str()) } else { None };
        let mut target = Target::of(program, library_name)?;
        let mut evaluator = Evaluator::new(program, request.size, request.local_size, Limits::default());
        let wrap = |errors: Vec<_>| errors.into_iter().map(Error::from).collect::<Vec<_>>();
        target.distribute(&mut evaluator).map_err(wrap)?;
        let mut topologies = Topologies::new(&mut evaluator);
        let mut evaluated = Vec::new();
        for (alias, instance) in &target.topologies {
            let mut topology = topologies
                .instance(instance.item, instance.arguments, &instance.overrides, instance.span)
                .map_err(wrap)?;
            topology.name = alias.map_or(topology.name, str::to_string);
            evaluated.push(topology);
        }
        Ok(evaluated)
    });
    let evaluated = evaluated.map_err(|error| RequestError::NoThread { reason: error.to_string() })?;
    evaluated.map_err(|errors: Vec<Error>| Diagnostics::new(errors, program.sources.clone()))
}
