//! Flags of `bfc launch`.

use bfc_predict::units;
use bfc_predict::values::{POSITIVE, Wholes};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// The most ranks of a machine.
const MOST: Wholes = Wholes::up_to(1024);

/// Arguments of `bfc launch`.
#[derive(Args)]
pub struct Launch {
    /// The number of ranks of this machine.
    #[arg(long, short = 'n', value_name = "L", allow_negative_numbers = true, value_parser = |text: &str| MOST.check(text.trim().parse().ok()))]
    pub local_size: u32,
    /// Begin each line that a rank prints with its number.
    #[arg(long)]
    pub tag_output: bool,
    /// How long ranks may take to end after a signal, before they are killed.
    #[arg(long, default_value = "5 s", value_name = "TIME", value_parser = units::seconds)]
    pub grace: f64,
    /// The number of machines, each with its own `bfc launch` of as many ranks.
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true, value_parser = |text: &str| POSITIVE.check(text.trim().parse().ok()), requires_all = ["node_rank", "rendezvous"])]
    pub nodes: u32,
    /// The number of this machine, from 0.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub node_rank: u32,
    /// Where rank 0 listens: the first machine and a free port of it. Without it, the ranks meet in a directory.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub rendezvous: Option<String>,
    /// A file of mode 600 with a secret of 64 hexadecimal digits, the same on all machines. `BFC_SECRET` may hold it as well;
    /// the ranks of a single machine get a new one.
    #[arg(long, value_name = "FILE")]
    pub secret: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

impl Launch {
    /// Ranks of one machine.
    pub fn of_one_machine(local_size: u32, command: Vec<OsString>) -> Self {
        let (tag_output, grace, nodes, node_rank) = (false, 5.0, 1, 0);
        Self { local_size, tag_output, grace, nodes, node_rank, rendezvous: None, secret: None, command }
    }
}

fn address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = port.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|&port| port > 0);
    port.map(|_| text.to_string()).ok_or("expected HOST:PORT, such as node0:29500".to_string())
}
