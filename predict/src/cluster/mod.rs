//! A description of a cluster becomes link classes, shared ports and a compute time.
//!
//! A description is TOML:
//!
//! ```toml
//! name = "16 machines of 8 GPUs"
//! machines = 16                # by default, as many as a schedule needs
//! ranks_per_machine = 8        # rank r is on machine r div 8
//!
//! [inside]                     # ranks of one machine
//! latency = "5 us"             # from the start of a message to its first byte
//! bandwidth = "120 GB/s"       # of each rank, each way
//!
//! [between]                    # ranks of different machines
//! latency = "30 us"
//! bandwidth = "25 Gb/s"        # of each NIC, each way
//! nics = 1                     # of a machine; its ranks share them evenly, rank by rank
//! oversubscription = 1         # bandwidth of all NICs over what the network between them carries
//!
//! [wide]                       # machines of different sites; optional
//! machines_per_site = 4
//! latency = "40 ms"
//! bandwidth = "1 Gb/s"         # of each site, each way, shared by its machines
//!
//! [compute]
//! step = "200 ms"              # one gradient of one rank
//! backward = 0.667             # share of it during which an all-reduce by buckets may already run
//! jitter = 0.02                # standard deviation of that time over its mean
//! ```
//!
//! Links are full duplex. Messages that use a port at the same time share its bandwidth evenly. `bandwidth` is what a
//! message gets, below the nominal rate of the link; `bfc probe` measures that inside a machine.

mod error;

pub use error::ClusterError;

use crate::units;
use bfc_schedule::visible::is_hidden;
use miette::NamedSource;
use serde::{Deserialize, Deserializer};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use toml::Spanned;

/// The clusters that need no file, by name.
static READY: [(&str, &str); 5] = [
    ("a100", include_str!("../clusters/a100.toml")),
    ("ethernet", include_str!("../clusters/ethernet.toml")),
    ("h100", include_str!("../clusters/h100.toml")),
    ("v100", include_str!("../clusters/v100.toml")),
    ("wan", include_str!("../clusters/wan.toml")),
];

/// The longest description that is read, in bytes.
pub const LONGEST: usize = 1 << 16;

/// A checked description.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub(crate) name: String,
    pub(crate) machines: Option<u32>,
    pub(crate) ranks_per_machine: u32,
    pub(crate) inside: Link,
    pub(crate) between: Link,
    pub(crate) nics: u32,
    pub(crate) oversubscription: f64,
    pub(crate) wide: Option<Wide>,
    pub(crate) compute: Compute,
}

/// A class of links.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Seconds.
    pub latency: f64,
    /// Bytes per second, each way.
    pub bandwidth: f64,
}

/// Sites far from each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wide {
    /// Machines of a site.
    pub machines_per_site: u32,
    /// From site to site.
    pub link: Link,
}

/// What a rank does between exchanges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compute {
    /// Seconds of one gradient.
    pub step: f64,
    /// The share of it during which gradients become ready, layer by layer.
    pub backward: f64,
    /// The standard deviation of the seconds over their mean.
    pub jitter: f64,
}

impl Cluster {
    /// The ready clusters: names and texts.
    pub fn ready() -> &'static [(&'static str, &'static str)] {
        &READY
    }

    /// A ready cluster.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn named(name: &str) -> Result<Self, ClusterError> {
        let known = READY.iter().find(|(known, _)| *known == name);
        let (name, text) = known.ok_or_else(|| ClusterError::Unknown {
            name: name.to_string(),
            known: READY.map(|(known, _)| known).join(", "),
        })?;
        Self::parse(&format!("{name}.toml"), text)
    }

    /// The cluster that a name stands for. A name without a dot or a slash is that of a ready cluster, unless a file is
    /// there; any other is the path of a description, which `read` reads. There may be no such cluster, or its description
    /// may be refused.
    ///
    /// # Errors
    /// The description cannot be read.
    pub fn find<E>(
        name: &str,
        is_file: bool,
        read: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Result<Self, ClusterError>, E> {
        if !is_file && !name.contains(['.', '/']) {
            return Ok(Self::named(name));
        }
        Ok(Self::text(name, read()?).and_then(|text| Self::parse(name, &text)))
    }

    /// The text of a description that was read up to a byte beyond [`LONGEST`]; `name` is for messages.
    ///
    /// # Errors
    /// It is too long or not text.
    pub fn text(name: &str, bytes: Vec<u8>) -> Result<String, ClusterError> {
        if bytes.len() > LONGEST {
            return Err(ClusterError::TooLong { name: name.to_string(), limit: LONGEST });
        }
        String::from_utf8(bytes).map_err(|error| ClusterError::NotText {
            name: name.to_string(),
            byte: error.utf8_error().valid_up_to(),
        })
    }

    /// Reads a description; `name` is for messages.
    ///
    /// # Errors
    /// It is not TOML of the form above, or a number is out of range.
    pub fn parse(name: &str, text: &str) -> Result<Self, ClusterError> {
        if text.len() > LONGEST {
            return Err(ClusterError::TooLong { name: name.to_string(), limit: LONGEST });
        }
        let source = Arc::new(NamedSource::new(name, text.to_string()));
        let malformed = |reason: &str, span: Option<Range<usize>>| ClusterError::Malformed {
            reason: reason.to_string(),
            span: span.unwrap_or_default().into(),
            source_code: source.clone(),
        };
        let described: Described =
            toml::from_str(text).map_err(|error| malformed(error.message(), error.span()))?;
        if described.name.as_ref().contains(is_hidden) {
            return Err(malformed(
                "its name holds a line end or a hidden character",
                Some(described.name.span()),
            ));
        }
        described.check().map_err(|(what, found, expected, span)| ClusterError::OutOfRange {
            what,
            found,
            expected,
            span: span.into(),
            source_code: source,
        })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Consecutive ranks that share a machine.
    pub fn ranks_per_machine(&self) -> u32 {
        self.ranks_per_machine
    }

    /// The ranks per machine if `size` ranks fill their machines, else 1.
    pub(crate) fn local_size(&self, size: u32) -> u32 {
        if size.is_multiple_of(self.ranks_per_machine) { self.ranks_per_machine } else { 1 }
    }

    /// The links between ranks of one machine.
    pub fn inside(&self) -> Link {
        self.inside
    }

    /// Seconds of one gradient.
    pub fn compute(&self) -> Compute {
        self.compute
    }

    /// The same cluster with another time of a gradient, in seconds, and another standard deviation of that time over its
    /// mean, where these are given.
    pub fn with_compute(mut self, step: Option<f64>, jitter: Option<f64>) -> Self {
        let Compute { step: own_step, jitter: own_jitter, .. } = self.compute;
        self.compute.step = step.unwrap_or(own_step);
        self.compute.jitter = jitter.unwrap_or(own_jitter);
        self
    }

    /// The same cluster with this number of ranks per machine and this link inside.
    pub fn with_machine(mut self, name: &str, ranks_per_machine: u32, inside: Link) -> Self {
        self.name = name.to_string();
        self.ranks_per_machine = ranks_per_machine.max(1);
        self.nics = self.nics.min(self.ranks_per_machine);
        self.inside = inside;
        self
    }

    /// The same cluster with this link between machines and this number of NICs per machine.
    pub fn with_network(mut self, link: Link, nics: u32) -> Self {
        self.between = link;
        self.nics = nics.clamp(1, self.ranks_per_machine);
        self
    }

    /// The description as TOML, quantities to three digits.
    pub fn describe(&self) -> String {
        let link = |link: &Link| {
            let (latency, rate) = (units::shown_seconds(link.latency), units::shown_rate(link.bandwidth));
            format!("latency = \"{latency}\"\nbandwidth = \"{rate}\"\n")
        };
        let mut text = format!("name = {:?}\n", self.name);
        if let Some(machines) = self.machines {
            text.push_str(&format!("machines = {machines}\n"));
        }
        text.push_str(&format!("ranks_per_machine = {}\n", self.ranks_per_machine));
        text.push_str(&format!("\n[inside]\n{}\n[between]\n{}", link(&self.inside), link(&self.between)));
        text.push_str(&format!("nics = {}\noversubscription = {}\n", self.nics, self.oversubscription));
        if let Some(wide) = self.wide {
            let sites = wide.machines_per_site;
            text.push_str(&format!("\n[wide]\nmachines_per_site = {sites}\n{}", link(&wide.link)));
        }
        let Compute { step, backward, jitter } = self.compute;
        let step = units::shown_seconds(step);
        text + &format!("\n[compute]\nstep = \"{step}\"\nbackward = {backward}\njitter = {jitter}\n")
    }

    /// The machines that this number of ranks occupies.
    ///
    /// # Errors
    /// The cluster has fewer.
    pub fn machines(&self, size: u32) -> Result<u32, ClusterError> {
        let needed = size.div_ceil(self.ranks_per_machine);
        match self.machines {
            Some(machines) if machines < needed => Err(ClusterError::TooFewMachines {
                name: self.name.clone(),
                machines,
                ranks_per_machine: self.ranks_per_machine,
                size,
            }),
            _ => Ok(needed),
        }
    }
}

/// The description as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: Spanned<String>,
    machines: Option<Spanned<i64>>,
    ranks_per_machine: Spanned<i64>,
    inside: DescribedLink,
    between: DescribedNetwork,
    wide: Option<DescribedWide>,
    compute: DescribedCompute,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedLink {
    latency: Spanned<Seconds>,
    bandwidth: Spanned<Rate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedNetwork {
    latency: Spanned<Seconds>,
    bandwidth: Spanned<Rate>,
    nics: Option<Spanned<i64>>,
    oversubscription: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedWide {
    machines_per_site: Spanned<i64>,
    latency: Spanned<Seconds>,
    bandwidth: Spanned<Rate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedCompute {
    step: Spanned<Seconds>,
    backward: Option<Spanned<f64>>,
    jitter: Option<Spanned<f64>>,
}

struct Seconds(f64);
struct Rate(f64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        units::seconds(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        units::bytes_per_second(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What is out of range, what was found, what was expected, and where.
type Fault = (&'static str, String, String, Range<usize>);

impl Described {
    fn check(self) -> Result<Cluster, Fault> {
        let ranks_per_machine = whole("ranks_per_machine", &self.ranks_per_machine, 65_536)?;
        let machines = self.machines.map(|machines| whole("machines", &machines, u32::MAX)).transpose()?;
        let DescribedNetwork { latency, bandwidth, nics, oversubscription } = self.between;
        let DescribedCompute { step, backward, jitter } = self.compute;
        let wide = |wide: DescribedWide| {
            Ok(Wide {
                machines_per_site: whole("wide.machines_per_site", &wide.machines_per_site, 65_536)?,
                link: link("wide", &wide.latency, &wide.bandwidth)?,
            })
        };
        let seconds = |what, time: &Spanned<Seconds>| {
            let shown = units::shown_seconds;
            within(what, time.as_ref().0, time.span(), TIMES, shown)
        };
        Ok(Cluster {
            name: self.name.into_inner(),
            machines,
            ranks_per_machine,
            inside: link("inside", &self.inside.latency, &self.inside.bandwidth)?,
            between: link("between", &latency, &bandwidth)?,
            nics: nics.map_or(Ok(1), |nics| whole("between.nics", &nics, ranks_per_machine))?,
            oversubscription: plain("between.oversubscription", oversubscription, 1.0, 1.0..=1e6)?,
            wide: self.wide.map(wide).transpose()?,
            compute: Compute {
                step: seconds("compute.step", &step)?,
                backward: plain("compute.backward", backward, 2.0 / 3.0, 0.0..=1.0)?,
                jitter: plain("compute.jitter", jitter, 0.0, 0.0..=10.0)?,
            },
        })
    }
}

/// Seconds that a description may name.
const TIMES: RangeInclusive<f64> = 0.0..=1e6;
/// Bytes per second that it may name.
const RATES: RangeInclusive<f64> = 1.0..=1e18;

fn link(class: &str, latency: &Spanned<Seconds>, bandwidth: &Spanned<Rate>) -> Result<Link, Fault> {
    let (latency_name, bandwidth_name) = match class {
        "inside" => ("inside.latency", "inside.bandwidth"),
        "between" => ("between.latency", "between.bandwidth"),
        _ => ("wide.latency", "wide.bandwidth"),
    };
    Ok(Link {
        latency: within(latency_name, latency.as_ref().0, latency.span(), TIMES, units::shown_seconds)?,
        bandwidth: within(bandwidth_name, bandwidth.as_ref().0, bandwidth.span(), RATES, units::shown_rate)?,
    })
}

fn whole(what: &'static str, value: &Spanned<i64>, most: u32) -> Result<u32, Fault> {
    let found = *value.as_ref();
    let fits = u32::try_from(found).ok().filter(|found| (1..=most).contains(found));
    fits.ok_or_else(|| (what, found.to_string(), format!("1 to {most}"), value.span()))
}

fn plain(
    what: &'static str,
    value: Option<Spanned<f64>>,
    default: f64,
    range: RangeInclusive<f64>,
) -> Result<f64, Fault> {
    let Some(value) = value else { return Ok(default) };
    within(what, *value.as_ref(), value.span(), range, |number| number.to_string())
}

fn within(
    what: &'static str,
    found: f64,
    span: Range<usize>,
    range: RangeInclusive<f64>,
    shown: impl Fn(f64) -> String,
) -> Result<f64, Fault> {
    if range.contains(&found) {
        return Ok(found);
    }
    Err((what, shown(found), format!("{} to {}", shown(*range.start()), shown(*range.end())), span))
}
