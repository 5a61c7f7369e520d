//! The command line: commands, flags and their help.

mod values;

use crate::graphs::arguments as graphs;
use crate::launch::arguments as launch;
use crate::mpi;
use crate::pictures::arguments as pictures;
use crate::predict::arguments as predict;
use crate::run;
use crate::trace::arguments as trace;
use bfc_compiler::analysis::NOISE_MEMORY;
use bfc_compiler::{Assumptions, Combination};
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
pub use values::{
    BadRange, Curvature, Sizes, count, curvature, positive, range, seed, share, steps, up_to_ten,
};
use values::{noise_memory, parameter, sizes, topology};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const CONVENTIONS: &str = "\
Wherever a FILE is asked for, a library name such as `topology::ring` serves as well, or an expression such as
`exponential(base=3)`.

Where a compiled schedule or a source is read, `-` is standard input.

Results go to standard output, everything else to standard error. With --format json, standard output holds one
JSON document: the result, or {\"diagnostics\": [...]} where the input or the command line is refused.

Exit codes: 0 well; 1 refused, with diagnostics; 2 wrong usage, a missing file included; 3 a failure while running;
130 interrupted.";

/// A compiler for decentralized training: from topologies and update rules to proved schedules.
#[derive(Parser)]
#[command(name = "bfc", version, styles = STYLES, after_long_help = CONVENTIONS, infer_subcommands = false)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Output for people or for programs.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    pub format: Format,
}

/// For whom results are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text and tables.
    Human,
    /// One JSON document.
    Json,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Compile a schedule, prove it, and write it to a file.
    #[command(after_help = "\
Examples:
  bfc compile examples/expo2.bf --size 128 -o sched.bin
  bfc compile topology::exponential --size 33 --param base=3 -o sched.bin
  bfc compile my.bf --size 16 --local-size 8 --format json -o sched.bin
  bfc compile my.bf --size 64 --cluster a100 --model-bytes 1.4GB -o sched.bin
  bfc compile graph.bf --size 64 --cluster v100 --place -o sched.bin")]
    Compile(Compile),
    /// Report degrees, rounds, stochasticity, spectra and consensus speed.
    ///
    /// Every spectral number is marked as `exact`, as `enclosed` between certified bounds (printed with `--format json`), or as
    /// an `estimate`, with the residual of its eigenvalue if known. For a single size, it also prints the consensus error of the
    /// worst initial values after each number of steps, the weights of a limit that is not the average, and, if every phase is
    /// drawn at random, how much of the squared disagreement a step keeps on average. Effective neighbours need all
    /// eigenvalues: they are computed for groups, and for up to 512 ranks that are not interchangeable.
    ///
    /// A `requires` or `ensure` that does not hold is listed under `checks` and does not fail this command.
    #[command(after_help = "\
Examples:
  bfc analyze topology::ring --size 16
  bfc analyze topology::exponential --param base=3 --size 33 --format json
  bfc analyze topology::pairwise_gossip --size 32 --out results
  bfc analyze topology::one_peer_exp2 --size 2..256 --out results
  bfc analyze topology::exponential --size 64 --param base=2..5
  bfc analyze algorithm::gradient_tracking --topology ring --weights best_constant --size 16
  bfc analyze choco.bf --size 8 --simulated")]
    Analyze(Analyze),
    /// Analyze several topologies or schedules side by side.
    #[command(after_help = "\
Examples:
  bfc compare topology::ring topology::exponential topology::one_peer_exp2 --size 64
  bfc compare 'exponential(base=2)' 'exponential(base=4)' --size 64
  bfc compare a.bf b.bf --size 64 --cluster v100 --model-bytes 102MB")]
    Compare(Compare),
    /// Show the phases, rounds and weights in a compiled schedule.
    #[command(after_help = "\
Examples:
  bfc inspect sched.bin
  bfc inspect sched.bin --rank 3 --format json")]
    Inspect(Inspect),
    /// Verify a compiled schedule.
    #[command(after_help = "\
Examples:
  bfc verify sched.bin
  bfc verify sched.bin --proof")]
    Verify(Verify),
    /// Check a source file and print what the algorithm asks of a trainer; write nothing.
    #[command(after_help = "\
Examples:
  bfc check examples/digits.bf
  bfc check my.bf --size 64 --format json
  bfc check algorithm::exact_diffusion --topology ring --size 16
  bfc check my.bf --size 64 --cluster v100 --place")]
    Check(Check),
    /// Write a commented template.
    #[command(after_help = "\
Examples:
  bfc new my_ring
  bfc new my_ring --topology && bfc check my_ring.bf && bfc test my_ring.bf")]
    New(New),
    /// Convert a graph file to the source of a topology.
    ///
    /// Reads edge lists, matrices and adjacency lists (separated by commas, tabs, semicolons, bars or blanks, with the headers
    /// of SNAP and KONECT), node-link JSON, GraphML, GEXF, GML, Matrix Market and NumPy's .npy. The whole file is looked at; a
    /// line on standard error says what it was taken for, with the flag that says otherwise, and a file that can be read in
    /// two ways is refused. Row i, column j of a matrix is what rank i takes from rank j.
    ///
    /// Weights are mixing weights and are copied exactly; a rank's own weight is what its row leaves, unless the file says
    /// another. Nodes with whole numbers for names become ranks in their order, others in the order of the file.
    #[command(after_help = "\
Examples:
  bfc import graph.csv -o graph.bf
  bfc import graph.csv --separator comma --heading --columns from,to --directed
  bfc import weights.csv --kind matrix --transpose -o weights.bf
  bfc import solved.npy --normalise own --drop 1e-9 -o solved.bf
  bfc import social.graphml --as adjacency | bfc analyze - --size 34")]
    Import(graphs::Import),
    /// Write the mixing matrix of a topology to a graph file.
    ///
    /// Writes an edge list, a matrix with labels, DOT, GraphML or node-link JSON, with weights in full precision. `bfc import`
    /// reads all of them but DOT back as the same matrix. Row i, column j of a matrix is what rank i takes from rank j; edges go
    /// from the sender to the receiver.
    #[command(after_help = "\
Examples:
  bfc export topology::exponential --size 16 --kind matrix -o W.csv
  bfc export my.bf --size 8 -o my.graphml
  bfc export topology::one_peer_exp2 --size 8 --phase 1 --kind dot")]
    Export(graphs::Export),
    /// Draw a topology, its schedule, its matrices, their eigenvalues or the consensus error, as SVG fit for a paper.
    ///
    /// Of several topologies the first is drawn. Up to 128 ranks are drawn one by one; of more, the hops that all ranks have in
    /// common, or groups of ranks in a row. Colours are told apart by the colour-blind; negative weights are dashed.
    #[command(after_help = "\
Examples:
  bfc draw topology topology::exponential --size 16 -o exponential.svg
  bfc draw topology topology::hierarchical --size 32 --local-size 8 --param across=topology::ring -o machines.svg
  bfc draw schedule my.bf --size 16 -o rounds.svg
  bfc draw spectrum topology::ring --size 64 -o spectrum.svg")]
    Draw(pictures::Draw),
    /// Write a report as one HTML file: proofs, topology, schedule, matrices, eigenvalues, program and source.
    ///
    /// The file makes no requests and contains its data as JSON, which --format json prints. For a source that is refused, the report
    /// shows the diagnostics, and the command exits as `bfc check` does.
    #[command(after_help = "\
Examples:
  bfc report examples/digits.bf --size 16
  bfc report topology::ring topology::exponential --size 64 --sizes 2..128 -o ring.html
  bfc report my.bf --size 64 --cluster v100 --model-bytes 102MB
  bfc report my.bf --size 8 --format json")]
    Report(pictures::Report),
    /// Serve the report of a source on this machine, live: edit the source, and the page follows when it is saved.
    ///
    /// Prints an address to open in a browser. The server listens on 127.0.0.1 only, answers its own page only, by a token that
    /// the address holds, and never writes. The page has a slider for the number of ranks, and a field for each `--param`.
    #[command(after_help = "\
Examples:
  bfc view my.bf --size 16
  bfc view my.bf --size 16 --param lr=0.1 --port 8000")]
    View(pictures::View),
    /// Format sources: blanks, indentation and line breaks. Tokens and comments do not change.
    #[command(after_help = "\
Examples:
  bfc fmt my.bf
  bfc fmt --check .
  bfc fmt - < my.bf")]
    Fmt(Fmt),
    /// Run the examples in the documentation of sources.
    ///
    /// An example is a code block in `///` lines. ```bf is a complete source that must compile for 8 ranks, or as set by
    /// ```bf size=N local_size=L; with a comment `// error: CODE`, it must be refused with that code instead. ```console
    /// contains commands, `$ bfc ...`, which must succeed, or exit with N if `# exits N` follows; the lines below a command
    /// must appear in its output in this order, where `…` matches any text. A block that is indented by four blanks is a
    /// source if it begins with an item, and a list of commands if it begins with `bfc`. Other blocks are text.
    #[command(after_help = "\
Examples:
  bfc test my.bf
  bfc test topology::ring algorithm")]
    Test {
        /// Files, directories, library names, or parts of the library such as `topology`.
        #[arg(required = true, value_name = "FILES")]
        files: Vec<String>,
    },
    /// Explain an error code.
    #[command(after_help = "\
Examples:
  bfc explain bfc::data::ragged_row
  bfc explain ragged_row
  bfc explain bfc::data")]
    Explain {
        /// The code, or its last part. A stage such as `bfc::data` lists its codes; without an argument, all are listed.
        code: Option<String>,
    },
    /// List the library, or search its names and descriptions.
    #[command(after_help = "\
Examples:
  bfc list
  bfc list topology
  bfc list momentum
  bfc list \"exact average\"")]
    List {
        /// Only this part, `topology` or `algorithm`, or only what has this text in its name or its description.
        word: Option<String>,
    },
    /// Print the source of a library name.
    #[command(after_help = "\
Example:
  bfc show algorithm::gradient_tracking")]
    Show {
        /// The name, such as `topology::ring`.
        name: String,
    },
    /// Train logistic regression on in-process ranks, and compare with a centralized run and all-reduce.
    ///
    /// The rows are split over the ranks, and each rank computes the gradient of its own rows. Local losses are weighted by
    /// the number of rows, so all three runs have the same optimum.
    #[command(after_help = "\
Examples:
  bfc run examples/digits.bf --size 8
  bfc run examples/digits.bf --size 16 --skew 1 --out results
  bfc run examples/digits.bf --size 4 --engine processes --dtype bf16
  bfc run my.bf --size 4 --data my.csv --steps 500 --lr 0.05 --format json
  bfc run examples/digits.bf --size 4 --steps 20 --trace traces && bfc trace merge traces")]
    Run(run::Run),
    /// One rank of `bfc run`, which starts it.
    #[command(hide = true)]
    RunRank(run::RunRank),
    /// Look at what the ranks of a run did.
    ///
    /// A run leaves its trace in the directory that `bfc run --trace` or the variable `BFC_TRACE` names.
    #[command(subcommand)]
    Trace(trace::Trace),
    /// Say who waits for whom in a run, and which rank holds up all others.
    ///
    /// Reads the traces that the ranks leave in the directory that `BFC_TRACE` names, while they run, wait or hang, and after they
    /// have failed or were killed. After a failure, it says what each rank did at that moment.
    #[command(
        name = "why-stuck",
        after_help = "\
Examples:
  BFC_TRACE=/tmp/traces bfc launch -n 4 -- ./train
  bfc why-stuck /tmp/traces
  bfc why-stuck /tmp/traces --format json"
    )]
    WhyStuck(trace::WhyStuck),
    /// Start a program as the ranks of a group, one process each.
    ///
    /// Each rank learns from its environment which one it is and where the others are: `BFC_RANK`, `BFC_SIZE`,
    /// `BFC_LOCAL_RANK`, `BFC_LOCAL_SIZE`, `BFC_RENDEZVOUS` and `BFC_SECRET`. Standard input is empty.
    ///
    /// When a rank fails, the others get SIGTERM, and SIGKILL after the time of grace; the exit code is that of the first rank
    /// that failed, or 128 and the number of the signal that killed it. SIGINT, SIGTERM and SIGHUP are passed on to all ranks.
    /// With --format json, the ranks print to standard error.
    #[command(after_help = "\
Examples:
  bfc launch -n 4 -- python train.py
  bfc launch -n 4 --tag-output -- ./train --steps 100
  bfc launch -n 8 --nodes 2 --node-rank 1 --rendezvous node0:29500 --secret secret -- ./train")]
    Launch(launch::Launch),
    /// Connect bfc to the MPI of this machine.
    ///
    /// Builds a small library with the compiler of the MPI, `mpicc`. Then `bfc run --engine mpi`, `bfc probe` under `mpirun`, and
    /// trainers with `BFC_ENGINE=mpi` use it.
    #[command(after_help = "\
Examples:
  bfc mpi
  bfc mpi --check
  bfc mpi --compiler /opt/mpich/bin/mpicc -o ./libbfc_mpich.so
  BFC_MPI=./libbfc_mpich.so mpirun -n 4 bfc mpi --check")]
    Mpi(mpi::Mpi),
    /// Simulate training on a cluster: jitter, shared links, stragglers and lost ranks, by seeded discrete events.
    ///
    /// `computing` is the scaling efficiency: the share of its time that a rank computes. The columns of all-reduce hold
    /// the time of a step of parallel training by all-reduce on the same cluster, at its best.
    #[command(after_help = "\
Examples:
  bfc simulate examples/digits.bf --size 64 --cluster v100
  bfc simulate my.bf --sizes 8,16,32,64,128 --cluster a100 --model-bytes 1.4GB --out results
  bfc simulate my.bf --size 32 --cluster v100 --stragglers 1x2 --lost 3@500")]
    Simulate(predict::Simulate),
    /// Search the library for the schedule that reaches a target error first on a cluster.
    ///
    /// Tries every topology of the library, and of a file, that compiles for this number of ranks, with its own weights and others,
    /// and ranks them by steps to the target times the predicted time of a step, beside all-reduce: of the model once for averaging,
    /// of the gradients in every step for training, with the step size of the algorithm.
    #[command(after_help = "\
Examples:
  bfc advise --size 64 --cluster v100 --model-bytes 102MB
  bfc advise my.bf --size 64 --cluster a100 --model-bytes 1.4GB
  bfc advise --size 32 --cluster ethernet --algorithm dgd --heterogeneity 0.01 -o best.bf")]
    Advise(predict::Advise),
    /// Measure messages between ranks of this machine, and write the description of a cluster.
    ///
    /// Under `mpirun`, after `bfc mpi`, also between machines.
    #[command(after_help = "\
Examples:
  bfc probe
  bfc probe --cluster v100 --ranks 8 -o mine.toml
  mpirun -np 16 --map-by slot bfc probe --cluster v100 -o mine.toml")]
    Probe(predict::Probe),
    /// List the ready clusters, or print the description of one.
    #[command(after_help = "\
Examples:
  bfc cluster
  bfc cluster v100 > mine.toml")]
    Cluster(predict::Clusters),
    /// Print a completion script for a shell.
    #[command(after_help = "\
Example:
  bfc completions bash > ~/.local/share/bash-completion/completions/bfc")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of one command.
    #[command(after_help = "\
Examples:
  bfc man | man -l -
  bfc man run > bfc-run.1")]
    Man {
        /// The command.
        command: Option<String>,
    },
}

/// What is compiled, and for how many ranks.
#[derive(Args, Clone)]
pub struct Source {
    /// A `.bf` file, or a library name such as `topology::ring`.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The number of ranks.
    #[arg(long, short = 'n', value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub size: u32,
    /// Settings beside the file.
    #[command(flatten)]
    pub settings: Settings,
}

/// Settings beside the file and the size.
#[derive(Args, Clone)]
pub struct Settings {
    /// The number of ranks that share a machine.
    #[arg(long, default_value_t = 1, value_name = "L", allow_negative_numbers = true, value_parser = count)]
    pub local_size: u32,
    /// A parameter of the topology or algorithm; the value is an expression. Repeatable. `bfc analyze` shows each whole number
    /// of a range such as `base=2..5`, both ends included; elsewhere that is the list [2, 3, 4], which `bfc analyze` takes in
    /// brackets.
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// Accept claims that are refused with this code, or the undecided claim with this text; the schedule records it.
    /// Repeatable.
    #[arg(long, value_name = "CODE")]
    pub allow: Vec<String>,
    /// A topology in place of the source's: a name or an expression, such as `exponential(base=3)`. NAME is the algorithm's name
    /// for it, where it mixes over several. Repeatable.
    #[arg(long, value_name = "[NAME=]TOPOLOGY", value_parser = topology)]
    pub topology: Vec<(Option<String>, String)>,
    /// An algorithm in place of the source's, such as `gradient_tracking`.
    #[arg(long, value_name = "ALGORITHM")]
    pub algorithm: Option<String>,
    /// A rule that gives the edges of the topology other weights, such as `metropolis`.
    #[arg(long, value_name = "RULE")]
    pub weights: Option<String>,
}

impl Settings {
    /// What takes the place of what the source says.
    pub fn combination(&self) -> Combination {
        let Self { topology, algorithm, weights, .. } = self;
        Combination { topologies: topology.clone(), algorithm: algorithm.clone(), weights: weights.clone() }
    }
}

/// Arguments of `bfc compile`.
#[derive(Args)]
pub struct Compile {
    /// What to compile.
    #[command(flatten)]
    pub source: Source,
    /// Where it will run: rounds take shared links into account, and the time of a step is printed.
    #[command(flatten)]
    pub location: predict::Location,
    /// Where its ranks stand.
    #[command(flatten)]
    pub placing: predict::Placing,
    /// The file to write, sched.bin where left out; `-` for standard output. Directories that are missing are created.
    #[arg(long, short, value_name = "SCHEDULE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `bfc analyze`.
#[derive(Args)]
pub struct Analyze {
    /// A `.bf` file, or a library name such as `topology::ring`.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The number of ranks, or a range, both ends included.
    #[arg(long, visible_alias = "sizes", short = 'n', value_name = "N|A..B", allow_hyphen_values = true, value_parser = sizes)]
    pub size: Sizes,
    /// Settings beside the file.
    #[command(flatten)]
    pub settings: Settings,
    /// The least and the largest curvature of the quadratics on which an algorithm is analyzed.
    #[arg(long, value_name = "MU..L", value_parser = curvature, default_value = "0.1..1")]
    pub curvature: Curvature,
    /// The part of the ranks' noise that is left a step later, for the effective number of neighbours.
    #[arg(long, value_name = "PART", value_parser = noise_memory, default_value_t = NOISE_MEMORY)]
    pub noise_memory: f64,
    /// Also run the schedule with many values of a parameter (by default gamma), and estimate which is best for consensus.
    #[arg(long, value_name = "PARAM", num_args = 0..=1, require_equals = true, default_missing_value = crate::STEP_SIZE)]
    pub simulated: Option<String>,
    /// Write analysis.json and a picture into this directory: consensus.svg, or convergence.svg of a range.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `bfc compare`.
#[derive(Args)]
pub struct Compare {
    /// `.bf` files, or library names such as `topology::ring`.
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<String>,
    /// The number of ranks.
    #[arg(long, short = 'n', value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub size: u32,
    /// Settings beside the files.
    #[command(flatten)]
    pub settings: Settings,
    /// Where they would run, to add the time of a step.
    #[command(flatten)]
    pub location: predict::Location,
    /// The least and the largest curvature of the quadratics on which an algorithm is analyzed.
    #[arg(long, value_name = "MU..L", value_parser = curvature, default_value = "0.1..1")]
    pub curvature: Curvature,
}

impl Analyze {
    /// What the analysis assumes.
    pub fn assumptions(&self) -> Assumptions {
        Assumptions { curvature: self.curvature.0, noise_memory: self.noise_memory }
    }
}

/// Arguments of `bfc inspect`.
#[derive(Args)]
pub struct Inspect {
    /// A compiled schedule.
    #[arg(value_name = "SCHEDULE")]
    pub file: PathBuf,
    /// Show this rank only.
    #[arg(long, value_name = "I", allow_negative_numbers = true, value_parser = count)]
    pub rank: Option<u32>,
}

/// Arguments of `bfc verify`.
#[derive(Args)]
pub struct Verify {
    /// A compiled schedule.
    #[arg(value_name = "SCHEDULE")]
    pub file: PathBuf,
    /// Repeat all proofs of the certificate from the file alone, and print what was proved.
    #[arg(long)]
    pub proof: bool,
}

/// Arguments of `bfc check`.
#[derive(Args)]
pub struct Check {
    /// A `.bf` file, or a library name such as `algorithm::dgd`.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The number of ranks to check for.
    #[arg(long, short = 'n', default_value_t = 8, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub size: u32,
    /// Settings beside the file.
    #[command(flatten)]
    pub settings: Settings,
    /// Where it would run, for the time of a step.
    #[command(flatten)]
    pub location: predict::Location,
    /// Where its ranks would stand.
    #[command(flatten)]
    pub placing: predict::Placing,
}

/// Arguments of `bfc new`.
#[derive(Args)]
pub struct New {
    /// Its name; the file is NAME.bf.
    pub name: String,
    /// A topology alone.
    #[arg(long, conflicts_with = "algorithm")]
    pub topology: bool,
    /// An algorithm, over a topology of the library.
    #[arg(long)]
    pub algorithm: bool,
}

/// Arguments of `bfc fmt`.
#[derive(Args)]
pub struct Fmt {
    /// Files, directories with all `.bf` files below them, or `-` for standard input to standard output.
    #[arg(required = true, value_name = "FILES")]
    pub files: Vec<String>,
    /// Write nothing; fail if a file would change, and print what would.
    #[arg(long)]
    pub check: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
