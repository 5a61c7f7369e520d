//! A schedule as a file and back. This text is the format's specification, version 3.
//!
//! All numbers are little-endian and unsigned. `string` is a `u32` length in bytes and as many bytes of UTF-8; `list T`
//! is a `u32` count and as many `T`; `W` is a `u32` index into the table of weights.
//!
//! # Container
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `89 42 46 43 0D 0A 1A 0A` (`\x89BFC\r\n\x1a\n`) |
//! | 8 | 4 | version, 3 |
//! | 12 | 4 | s, the number of sections |
//! | 16 | 8 | length of the file |
//! | 24 | 4 | CRC-32 (IEEE) of the whole file, these four bytes taken as 0 |
//! | 28 | 4 | 0 |
//! | 32 | 32 | digest |
//! | 64 | 32·s | the sections: tag (8 bytes, ASCII, filled with 0), flags `u32` (bit 0: a reader that does not know the tag skips it; other bits 0), CRC-32 of its bytes `u32`, offset `u64`, length `u64` |
//!
//! Sections follow in the order of that list. Each begins at the next multiple of 64 after what precedes it, the gap
//! filled with 0; the file ends where the last one ends. Tags do not repeat. A reader refuses a section that it neither
//! knows nor may skip.
//!
//! **The digest** is the SHA-256 of, in this order for `program`, `weights`, `rounds` and `tables`: the tag (8 bytes),
//! the section's length (`u64`), its bytes. It covers sizes, program, rounds and exact weights, and nothing else.
//! A schedule has one encoding of these sections, and another one is refused.
//!
//! # Sections
//!
//! `about` is JSON, `{"overrides": [string…], "metadata": any}`. `proof` (flag bit 0) is JSON, what was proved.
//!
//! `weights`: count `u32`, 0 `u32`, then for each weight the offset `u64` at which it ends, counted from the end of
//! these offsets; then the weights: sign (1 byte: 0, or 1 if negative), length of the numerator `u32`, the numerator's
//! magnitude, the denominator. Both are little-endian without leading zeros, in lowest terms; 0 is 0/1, the numerator
//! of no bytes. Weights are distinct, in order of first use by `program`, then `rounds` with the `tables` that it refers
//! to, each read from front to back.
//!
//! `program`: name `string`; inputs `list (name string, default W, kind u8: 0, the same on all ranks)`; registers `list shape`; states
//! `list (name string, register u16)`; initial `block`; conditions `list expression`; steps `list block`; model `block`;
//! model register `u16`. A `shape` is a `u8`: 0 vector · 1 scalar · 2 vector per edge · 3 scalar per edge · 4 code,
//! followed by its codec · 5 factor per edge (rank `u32`; `u8` 0, or 1 and the rows `u32`). A codec is a `u8` and its
//! operands: 0 cast (`u8`: 0 bf16, 1 f16, 2 f32, 3 f64) · 1 quantize (bits `u8`; `u8` 0, or 1 and a seed `u64`) · 2 top
//! k (`u64`) · 3 top fraction (numerator, denominator `u64`) · 4 random k (`u64`, seed `u64`) · 5 sign · 6 low rank (rank
//! `u32`; `u8` 0, or 1 and the rows `u32`).
//! A `block` is a `list` of instructions, each a `u8` and its operands, registers being `u16`:
//! 0 parameters (into) · 1 compute (into, expression) · 2 exchange (operator `u8`: 0 mix, 1 others, 2 own, 3 incoming,
//! 4 back, 5 average; topology `u32`, 0 for the last two; transfers `list (from, into)`) · 3 gradient (at, into) ·
//! 4 adapt (at, into; `u8` 0, or 1 and the direction) · 5 swap (a, b) · 6 prox (at, rho, into) · 7 dot (a, b, into) ·
//! 8 degree (into, topology `u32`) · 9 gather (from, into) · 10 encode (from, into) · 11 decode (from, into) ·
//! 12 start (into) · 13 project (from, factor, into) · 14 difference (mine, theirs, into) · 15 correct (at, factor,
//! difference, into) · 16 begin (flight `u16`, then as 2) · 17 finish (flight `u16`).
//! An `expression` is a `list` of operations in postfix form: 0 register (`u16`) · 1 input (`u16`) · 2 step · 3 constant
//! (`W`) · 4 negate · 5 not · 6 square root · 7 log · 8 absolute · 9 floor · 10 add · 11 subtract · 12 multiply ·
//! 13 divide · 14 power · 15 minimum · 16 maximum · 17 mod · 18 div · 19 equal · 20 not equal · 21 less · 22 less or
//! equal · 23 greater · 24 greater or equal · 25 and · 26 or · 27 random.
//!
//! `rounds`: size `u32`; local size `u32`; topologies `list (name string, phases list phase)`; average (`u8` 0, or 1 and
//! size `u32`, reduce and gather, each `list (hop u32, first u32, count u32)`). A `phase` begins with a `u8`:
//! - 0, symbolic: radices `list u32` of the group; the matrix: self weight `W`, `list (hop u32, W)` with ascending hops;
//!   the rounds: self weight `W`, `list (hop u32, W)` in order of round.
//! - 1, a table: rounds `u32`, edges `u64`, actions `u64`. Its arrays follow those of earlier tables in `tables`, n
//!   being the size, each filled with 0 to a multiple of 8 bytes: row offsets `u64` × (n + 1), self weights `W` × n,
//!   edges (source `u32`, `W`) × edges, ascending within a row; action offsets `u64` × (n + 1), self weights `W` × n,
//!   actions (round `u32`, send to `u32`, receive from `u32`, `W`) × actions, where `FFFFFFFF` is nobody and its `W` 0.
//!   Rank i has the edges and the actions between its offset and the next one.
//!
//! What a program, a matrix and a round mean is said in [`program`](crate::program), [`matrix`](crate::matrix) and
//! [`rounds`](crate::rounds); what must hold of them in [`verify`](crate::verify).

mod bytes;
mod container;
mod error;
mod program;
mod rounds;
mod tables;
mod weights;

pub use error::{FormatError, ScheduleError};

use crate::schedule::{Digest, Draft, RankSchedule, Schedule};
use crate::verify::{Part, PhasePart, verify_part};
use crate::{Rank, RankPlan, VerifyError};
use container::{Container, Section, digest_of};
use std::sync::Arc;
use weights::{WeightReader, WeightWriter};

/// The version that this module writes and reads.
pub const VERSION: u32 = 3;
/// The first bytes of a file; they do not survive transfer as text.
pub const MAGIC: [u8; 8] = *b"\x89BFC\r\n\x1a\n";

/// The sections under the digest, in its order.
const COVERED: [&str; 4] = ["program", "weights", "rounds", "tables"];
const ABOUT: &str = "about";
const PROOF: &str = "proof";

/// The sections under the digest as a file has them, and the digest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Covered {
    pub(crate) digest: Digest,
    sections: Arc<[Section]>,
}

impl Covered {
    /// Of a verified draft.
    ///
    /// # Errors
    /// If a reader would refuse the file for the room that its weights take.
    pub(crate) fn new(draft: &Draft) -> Result<Self, Vec<VerifyError>> {
        let mut weights = WeightWriter::default();
        let program = program::write(&draft.program, &mut weights);
        let (rounds, tables) = rounds::write(draft, &mut weights);
        let bytes = weights.used;
        let contents = [program, weights.finish(), rounds, tables];
        let limit = weights::limit(contents.iter().map(Vec::len).sum());
        if bytes > limit {
            return Err(vec![VerifyError::WeightTotal { bytes, limit }]);
        }
        let section = |(tag, bytes): (&&'static str, _)| Section { tag, optional: false, bytes };
        let sections: Arc<[Section]> = COVERED.iter().zip(contents).map(section).collect();
        let digest = digest_of(sections.iter().map(|section| (section.tag, section.bytes.as_slice())));
        Ok(Self { digest, sections })
    }
}

impl Schedule {
    /// The schedule as the bytes of a file; see [`format`](self).
    pub fn encode(&self) -> Vec<u8> {
        let about = serde_json::json!({ "overrides": self.overrides(), "metadata": self.metadata() });
        let about = Section { tag: ABOUT, optional: false, bytes: about.to_string().into_bytes() };
        let proof = self.certificate().to_string().into_bytes();
        let proof = Section { tag: PROOF, optional: true, bytes: proof };
        let Covered { digest, sections } = self.covered();
        container::write(*digest, &sections.iter().chain([&about, &proof]).collect::<Vec<_>>())
    }

    /// Reads a file and verifies all of it.
    ///
    /// # Errors
    /// Where the bytes are not what [`encode`](Self::encode) wrote, or what they say is not valid.
    pub fn decode(bytes: &[u8]) -> Result<Self, ScheduleError> {
        let container = Container::read(bytes)?;
        let mut weights = WeightReader::new(container.section("weights")?, bytes.len())?;
        let program = program::read(container.section("program")?, &mut weights)?;
        let head = rounds::read_head(container.section("rounds")?, container.section("tables")?)?;
        let (overrides, metadata) = about(&container)?;
        let draft = Draft {
            size: head.size,
            local_size: head.local_size,
            topologies: head.topologies(&mut weights)?,
            program,
            average: head.average,
            overrides,
            metadata,
            certificate: match container.optional_section(PROOF) {
                Some(bytes) => json(PROOF, bytes)?,
                None => serde_json::Value::Null,
            },
        };
        let schedule = Self::new(draft).map_err(|errors| ScheduleError::Invalid { errors })?;
        if schedule.digest() != container.digest {
            return Err(FormatError::NotCanonical.into());
        }
        Ok(schedule)
    }
}

impl RankSchedule {
    /// Reads one rank's part of a file: checksums and the digest cover the whole file, verification the program, the
    /// average, symbolic phases and the rank's own rounds. Of the others, rows are only added up (which sums rounding
    /// must keep depends on all), and actions are looked at where they receive from this rank.
    ///
    /// # Errors
    /// As [`Schedule::decode`], and if `rank` is out of range.
    pub fn decode(bytes: &[u8], rank: Rank) -> Result<Self, ScheduleError> {
        let container = Container::read(bytes)?;
        let mut weights = WeightReader::new(container.section("weights")?, bytes.len())?;
        let program = program::read(container.section("program")?, &mut weights)?;
        let head = rounds::read_head(container.section("rounds")?, container.section("tables")?)?;
        if rank.0 >= head.size {
            return Err(FormatError::Rank { rank, size: head.size }.into());
        }
        let topologies = head.part(rank, &mut weights)?;
        verify_part(&Part {
            size: head.size,
            local_size: head.local_size,
            rank,
            topologies: &topologies,
            program: &program,
            average: head.average.as_ref(),
        })
        .map_err(|errors| ScheduleError::Invalid { errors })?;
        let plan = |phase: PhasePart| -> RankPlan {
            match phase {
                PhasePart::Symbolic(phase) => phase.plan.rank(rank),
                PhasePart::Table { plan, .. } => plan,
            }
        };
        Ok(Self {
            size: head.size,
            local_size: head.local_size,
            rank,
            digest: container.digest,
            program,
            topologies: topologies
                .into_iter()
                .map(|(_, phases)| phases.into_iter().map(plan).collect())
                .collect(),
            average: head.average,
        })
    }
}

fn about(container: &Container<'_>) -> Result<(Vec<String>, serde_json::Value), FormatError> {
    let mut about = json(ABOUT, container.section(ABOUT)?)?;
    let malformed = |what| FormatError::Malformed { section: ABOUT, offset: 0, what };
    let list =
        about.get("overrides").and_then(|list| list.as_array()).ok_or(malformed("no list of overrides"))?;
    let overrides = list
        .iter()
        .map(|text| text.as_str().map(str::to_owned).ok_or(malformed("an override is not a string")))
        .collect::<Result<_, _>>()?;
    let metadata = about.get_mut("metadata").map(serde_json::Value::take).ok_or(malformed("no metadata"))?;
    Ok((overrides, metadata))
}

fn json(section: &'static str, bytes: &[u8]) -> Result<serde_json::Value, FormatError> {
    serde_json::from_slice(bytes).map_err(|error| FormatError::Json { section, reason: error.to_string() })
}
