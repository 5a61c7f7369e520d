//! The sections `rounds` and `tables`.

use super::FormatError;
use super::bytes::{Reader, Write};
use super::weights::{WeightReader, WeightWriter};
use crate::matrix::{Interner, Row};
use crate::rounds::{RankAction, RankPlan};
use crate::verify::PhasePart;
use crate::{
    Action, Average, CayleyMatrix, Draft, Group, MixingMatrix, Phase, Rank, Rational, RoundPlan, RoundTable,
    SliceRound, SparseMatrix, Topology,
};

const NOBODY: u32 = u32::MAX;

/// The two sections of a verified draft.
pub(super) fn write(draft: &Draft, weights: &mut WeightWriter) -> (Vec<u8>, Vec<u8>) {
    let (mut section, mut tables) = (vec![], vec![]);
    section.u32(draft.size);
    section.u32(draft.local_size);
    section.count(draft.topologies.len());
    for topology in &draft.topologies {
        section.string(&topology.name);
        section.count(topology.phases.len());
        for Phase { matrix, plan } in &topology.phases {
            match (matrix, plan) {
                (MixingMatrix::Cayley(matrix), RoundPlan::Cayley { self_weight, rounds, .. }) => {
                    section.u8(0);
                    section.count(matrix.group().radices().len());
                    matrix.group().radices().iter().for_each(|radix| section.u32(*radix));
                    write_hops(&mut section, matrix.self_weight(), matrix.hops(), weights);
                    write_hops(&mut section, self_weight, rounds, weights);
                }
                (MixingMatrix::Sparse(matrix), RoundPlan::Table(table)) => {
                    section.u8(1);
                    section.u32(table.rounds);
                    section.u64(write_matrix(&mut tables, matrix, weights) as u64);
                    section.u64(table.actions.len() as u64);
                    write_table(&mut tables, table, weights);
                }
                _ => unreachable!("verified: the rounds have the form of their matrix"),
            }
        }
    }
    write_average(&mut section, draft.average.as_ref());
    (section, tables)
}

fn write_hops(section: &mut Vec<u8>, own: &Rational, hops: &[(Rank, Rational)], weights: &mut WeightWriter) {
    section.u32(weights.id(own));
    section.count(hops.len());
    for (hop, weight) in hops {
        section.u32(hop.0);
        section.u32(weights.id(weight));
    }
}

/// Writes a matrix; returns the number of its edges.
fn write_matrix(tables: &mut Vec<u8>, matrix: &SparseMatrix, weights: &mut WeightWriter) -> usize {
    let ranks = || (0..matrix.size()).map(Rank);
    let mut id = numbering(matrix.weights(), weights);
    let mut edges = 0;
    tables.u64(0);
    for rank in ranks() {
        edges += matrix.in_edges(rank).len();
        tables.u64(edges as u64);
    }
    ranks().for_each(|rank| tables.u32(id(matrix.self_weight(rank))));
    align(tables);
    for &(source, weight) in ranks().flat_map(|rank| matrix.in_edges(rank)) {
        tables.u32(source.0);
        tables.u32(id(weight));
    }
    edges
}

fn write_table(tables: &mut Vec<u8>, table: &RoundTable, weights: &mut WeightWriter) {
    let mut id = numbering(&table.weights, weights);
    table.offsets.iter().for_each(|offset| tables.u64(*offset as u64));
    table.self_weights.iter().for_each(|weight| tables.u32(id(*weight)));
    align(tables);
    for action in &table.actions {
        tables.u32(action.round);
        tables.u32(action.send_to.map_or(NOBODY, |rank| rank.0));
        tables.u32(action.receive.map_or(NOBODY, |receive| receive.0.0));
        tables.u32(action.receive.map_or(0, |receive| id(receive.1)));
    }
}

/// From a table's own numbers of weights to those of the file, in order of first use.
fn numbering<'a>(own: &'a [Rational], weights: &'a mut WeightWriter) -> impl FnMut(u32) -> u32 + 'a {
    let mut ids = vec![None; own.len()];
    move |id| *ids[id as usize].get_or_insert_with(|| weights.id(&own[id as usize]))
}

fn align(tables: &mut Vec<u8>) {
    tables.resize(tables.len().next_multiple_of(8), 0);
}

fn write_average(section: &mut Vec<u8>, average: Option<&Average>) {
    section.u8(average.is_some().into());
    let Some(average) = average else { return };
    section.u32(average.size);
    for rounds in [&average.reduce, &average.gather] {
        section.count(rounds.len());
        rounds
            .iter()
            .flat_map(|round| [round.hop, round.first, round.count])
            .for_each(|number| section.u32(number));
    }
}

/// The section `rounds`, and where the arrays of its tables are.
pub(super) struct Head<'a> {
    pub size: u32,
    pub local_size: u32,
    pub average: Option<Average>,
    topologies: Vec<(String, Vec<PhaseHead<'a>>)>,
}

enum PhaseHead<'a> {
    Symbolic { group: Group, matrix: Hops, plan: Hops },
    Table { rounds: u32, matrix: Arrays<'a>, plan: Arrays<'a> },
}

/// A self weight and hops with their weights, by number.
type Hops = (u32, Vec<(u32, u32)>);

/// The arrays of a table of rows or of actions.
struct Arrays<'a> {
    offsets: &'a [u8],
    self_weights: &'a [u8],
    entries: &'a [u8],
}

pub(super) fn read_head<'a>(section: &'a [u8], tables: &'a [u8]) -> Result<Head<'a>, FormatError> {
    let (mut reader, mut tables) = (Reader::new("rounds", section), Reader::new("tables", tables));
    let (size, local_size) = (reader.u32()?, reader.u32()?);
    let topologies = reader.list(8, |reader| {
        let name = reader.string()?;
        Ok((name, reader.list(21, |reader| read_phase(reader, &mut tables, size))?))
    })?;
    let average = match reader.u8()? {
        0 => None,
        1 => Some(Average {
            size: reader.u32()?,
            reduce: reader.list(12, slice_round)?,
            gather: reader.list(12, slice_round)?,
        }),
        _ => return Err(reader.malformed("a flag is neither 0 nor 1")),
    };
    reader.end()?;
    tables.end()?;
    Ok(Head { size, local_size, average, topologies })
}

fn slice_round(reader: &mut Reader<'_>) -> Result<SliceRound, FormatError> {
    Ok(SliceRound { hop: reader.u32()?, first: reader.u32()?, count: reader.u32()? })
}

fn read_phase<'a>(
    reader: &mut Reader<'a>,
    tables: &mut Reader<'a>,
    size: u32,
) -> Result<PhaseHead<'a>, FormatError> {
    match reader.u8()? {
        0 => {
            let radices = reader.list(4, Reader::u32)?;
            let group = Group::new(radices).ok_or(reader.malformed("radices do not make a group"))?;
            Ok(PhaseHead::Symbolic { group, matrix: read_hops(reader)?, plan: read_hops(reader)? })
        }
        1 => {
            let (rounds, edges, actions) = (reader.u32()?, reader.u64()?, reader.u64()?);
            let matrix = read_arrays(tables, size, edges, 8)?;
            Ok(PhaseHead::Table { rounds, matrix, plan: read_arrays(tables, size, actions, 16)? })
        }
        _ => Err(reader.malformed("there is no phase of this kind")),
    }
}

fn read_hops(reader: &mut Reader<'_>) -> Result<Hops, FormatError> {
    Ok((reader.u32()?, reader.list(8, |reader| Ok((reader.u32()?, reader.u32()?)))?))
}

fn read_arrays<'a>(
    tables: &mut Reader<'a>,
    size: u32,
    entries: u64,
    width: u64,
) -> Result<Arrays<'a>, FormatError> {
    let mut array = |count: u64, width: u64| {
        let length = count.checked_mul(width).and_then(|length| usize::try_from(length).ok());
        tables.take(length.ok_or(tables.malformed("it ends too early"))?)
    };
    let ranks = size as u64;
    let offsets = array(ranks + 1, 8)?;
    let self_weights = array(ranks, 4)?;
    if array(ranks % 2, 4)?.iter().any(|byte| *byte != 0) {
        return Err(tables.malformed("the gap before an array is not 0"));
    }
    Ok(Arrays { offsets, self_weights, entries: array(entries, width)? })
}

impl Arrays<'_> {
    fn offset(&self, rank: usize) -> usize {
        let bytes = self.offsets[rank * 8..][..8].try_into().expect("eight bytes");
        usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
    }

    fn self_weight(&self, rank: usize) -> u32 {
        words::<1>(&self.self_weights[rank * 4..][..4])[0]
    }

    /// The entries of one rank, `WORDS` numbers each.
    fn of<const WORDS: usize>(&self, rank: usize) -> Result<impl Iterator<Item = [u32; WORDS]>, FormatError> {
        let place = |offset: usize| offset.checked_mul(WORDS * 4);
        let range = place(self.offset(rank)).zip(place(self.offset(rank + 1)));
        let own = range.and_then(|(start, end)| self.entries.get(start..end));
        let offset = rank as u64;
        let what = "a rank's offsets do not lie within its array";
        let own = own.ok_or(FormatError::Malformed { section: "tables", offset, what })?;
        Ok(own.chunks_exact(WORDS * 4).map(words))
    }
}

fn words<const WORDS: usize>(bytes: &[u8]) -> [u32; WORDS] {
    std::array::from_fn(|word| u32::from_le_bytes(bytes[word * 4..][..4].try_into().expect("four bytes")))
}

fn malformed(what: &'static str) -> FormatError {
    FormatError::Malformed { section: "tables", offset: 0, what }
}

fn party(rank: u32) -> Option<Rank> {
    (rank != NOBODY).then_some(Rank(rank))
}

impl Head<'_> {
    /// The topologies, complete.
    pub fn topologies(&self, weights: &mut WeightReader<'_>) -> Result<Vec<Topology>, FormatError> {
        let mut phase = |phase: &PhaseHead<'_>| match phase {
            PhaseHead::Symbolic { group, matrix, plan } => symbolic(group, matrix, plan, weights),
            PhaseHead::Table { rounds, matrix, plan } => Ok(Phase {
                matrix: MixingMatrix::Sparse(matrix_of(matrix, self.size as usize, weights)?),
                plan: RoundPlan::Table(table_of(*rounds, plan, self.size as usize, weights)?),
            }),
        };
        self.topologies
            .iter()
            .map(|(name, phases)| {
                Ok(Topology {
                    name: name.clone(),
                    phases: phases.iter().map(&mut phase).collect::<Result<_, _>>()?,
                })
            })
            .collect()
    }

    /// What one rank needs of the topologies; `rank` is in range.
    pub fn part(
        &self,
        rank: Rank,
        weights: &mut WeightReader<'_>,
    ) -> Result<Vec<(String, Vec<PhasePart>)>, FormatError> {
        let mut phase = |phase: &PhaseHead<'_>| match phase {
            PhaseHead::Symbolic { group, matrix, plan } => {
                symbolic(group, matrix, plan, weights).map(PhasePart::Symbolic)
            }
            PhaseHead::Table { rounds, matrix, plan } => Ok(PhasePart::Table {
                rounds: *rounds,
                row: row_of(matrix, rank.index(), weights)?,
                plan: plan_of(plan, rank.index(), weights)?,
            }),
        };
        self.topologies
            .iter()
            .map(|(name, phases)| {
                Ok((name.clone(), phases.iter().map(&mut phase).collect::<Result<_, _>>()?))
            })
            .collect()
    }
}

fn symbolic(
    group: &Group,
    matrix: &Hops,
    plan: &Hops,
    weights: &mut WeightReader<'_>,
) -> Result<Phase, FormatError> {
    let mut hops = |hops: &Hops| {
        let pair = |&(hop, weight): &(u32, u32)| Ok((Rank(hop), weights.get(weight)?));
        Ok::<_, FormatError>((
            hops.1.iter().map(pair).collect::<Result<Vec<_>, FormatError>>()?,
            weights.get(hops.0)?,
        ))
    };
    let ((hops_of_matrix, own), (rounds, self_weight)) = (hops(matrix)?, hops(plan)?);
    let matrix = CayleyMatrix::new(group.clone(), own, hops_of_matrix)
        .ok_or(malformed("a hop is repeated or out of range"))?;
    let plan = RoundPlan::Cayley { group: group.clone(), self_weight, rounds };
    Ok(Phase { matrix: MixingMatrix::Cayley(matrix), plan })
}

fn row_of(arrays: &Arrays<'_>, rank: usize, weights: &mut WeightReader<'_>) -> Result<Row, FormatError> {
    let in_weights = arrays
        .of::<2>(rank)?
        .map(|[source, weight]| Ok((Rank(source), weights.get(weight)?)))
        .collect::<Result<Vec<_>, FormatError>>()?;
    Ok(Row { self_weight: weights.get(arrays.self_weight(rank))?, in_weights })
}

fn plan_of(
    arrays: &Arrays<'_>,
    rank: usize,
    weights: &mut WeightReader<'_>,
) -> Result<RankPlan, FormatError> {
    let action = |[round, send_to, source, weight]: [u32; 4]| {
        let receive = match party(source) {
            Some(source) => Some((source, weights.get(weight)?)),
            None => None,
        };
        Ok(RankAction { round, send_to: party(send_to), receive })
    };
    let actions = arrays.of::<4>(rank)?.map(action).collect::<Result<Vec<_>, FormatError>>()?;
    Ok(RankPlan { self_weight: weights.get(arrays.self_weight(rank))?, actions })
}

/// Numbers the weights of one table anew, as they are met.
struct Local<'a, 'w> {
    weights: &'a mut WeightReader<'w>,
    ids: std::collections::HashMap<u32, u32>,
    interner: Interner,
}

impl<'a, 'w> Local<'a, 'w> {
    fn new(weights: &'a mut WeightReader<'w>) -> Self {
        Self { weights, ids: Default::default(), interner: Interner::default() }
    }

    fn id(&mut self, stored: u32) -> Result<u32, FormatError> {
        if let Some(id) = self.ids.get(&stored) {
            return Ok(*id);
        }
        let id = self.interner.id(self.weights.get(stored)?);
        self.ids.insert(stored, id);
        Ok(id)
    }
}

fn matrix_of(
    arrays: &Arrays<'_>,
    size: usize,
    weights: &mut WeightReader<'_>,
) -> Result<SparseMatrix, FormatError> {
    let mut local = Local::new(weights);
    let (mut self_weights, mut edges, mut offsets) = (Vec::with_capacity(size), vec![], vec![0]);
    for rank in 0..size {
        self_weights.push(local.id(arrays.self_weight(rank))?);
        for [source, weight] in arrays.of::<2>(rank)? {
            edges.push((Rank(source), local.id(weight)?));
        }
        offsets.push(edges.len());
    }
    SparseMatrix::from_parts(local.interner.values, self_weights, offsets, edges)
        .ok_or(malformed("a row is not ascending, or names itself or a rank out of range"))
}

fn table_of(
    rounds: u32,
    arrays: &Arrays<'_>,
    size: usize,
    weights: &mut WeightReader<'_>,
) -> Result<RoundTable, FormatError> {
    let mut local = Local::new(weights);
    let (mut self_weights, mut actions, mut offsets) = (Vec::with_capacity(size), vec![], vec![0]);
    for rank in 0..size {
        self_weights.push(local.id(arrays.self_weight(rank))?);
        for [round, send_to, source, weight] in arrays.of::<4>(rank)? {
            let receive = match party(source) {
                Some(source) => Some((source, local.id(weight)?)),
                None => None,
            };
            actions.push(Action { round, send_to: party(send_to), receive });
        }
        offsets.push(actions.len());
    }
    Ok(RoundTable { rounds, weights: local.interner.values, self_weights, offsets, actions })
}
