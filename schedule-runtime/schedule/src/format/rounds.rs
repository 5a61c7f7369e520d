//! The section `rounds`, and both it and `tables` as they are written.

use super::FormatError;
use super::bytes::{Reader, Write};
use super::tables::{Arrays, NOBODY, column_of, malformed, matrix_of, plan_of, row_of, table_of};
use super::weights::{WeightReader, WeightWriter};
use crate::verify::PhasePart;
use crate::{
    Average, CayleyMatrix, Draft, Group, MixingMatrix, Phase, Rank, Rational, RoundPlan, RoundTable,
    SliceRound, SparseMatrix, Topology, sums,
};

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
            let matrix = Arrays::read(tables, size, edges, 8)?;
            Ok(PhaseHead::Table { rounds, matrix, plan: Arrays::read(tables, size, actions, 16)? })
        }
        _ => Err(reader.malformed("unknown kind of phase")),
    }
}

fn read_hops(reader: &mut Reader<'_>) -> Result<Hops, FormatError> {
    Ok((reader.u32()?, reader.list(8, |reader| Ok((reader.u32()?, reader.u32()?)))?))
}

impl Head<'_> {
    fn matrix(
        &self,
        phase: &PhaseHead<'_>,
        weights: &mut WeightReader<'_>,
    ) -> Result<MixingMatrix, FormatError> {
        match phase {
            PhaseHead::Symbolic { group, matrix, plan } => Ok(symbolic(group, matrix, plan, weights)?.matrix),
            PhaseHead::Table { matrix, .. } => {
                Ok(MixingMatrix::Sparse(matrix_of(matrix, self.size as usize, weights)?))
            }
        }
    }

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
        let columns = self.only_columns(weights)?;
        let mut phase = |phase: &PhaseHead<'_>, column: bool| match phase {
            PhaseHead::Symbolic { group, matrix, plan } => {
                symbolic(group, matrix, plan, weights).map(PhasePart::Symbolic)
            }
            PhaseHead::Table { rounds, matrix, plan } => {
                let row = row_of(matrix, rank.index(), weights)?;
                let mut own = plan_of(plan, rank.index(), weights)?;
                if column {
                    own.column = Some(column_of(plan, (rank, &own.actions), weights)?);
                }
                Ok(PhasePart::Table { rounds: *rounds, row, plan: own })
            }
        };
        self.topologies
            .iter()
            .zip(columns)
            .map(|((name, phases), column)| {
                let phases = phases.iter().map(|head| phase(head, column));
                Ok((name.clone(), phases.collect::<Result<_, _>>()?))
            })
            .collect()
    }

    /// For each topology whether rounding must keep the sums of its columns; only of tables, as rows and columns of
    /// symbolic phases have the same weights.
    fn only_columns(&self, weights: &mut WeightReader<'_>) -> Result<Vec<bool>, FormatError> {
        let mut only_columns = |phases: &[PhaseHead<'_>]| {
            if !phases.iter().any(|phase| matches!(phase, PhaseHead::Table { .. })) {
                return Ok(false);
            }
            let matrices = phases.iter().map(|phase| self.matrix(phase, weights));
            Ok(sums::only_columns(matrices.collect::<Result<Vec<_>, _>>()?.iter()))
        };
        self.topologies.iter().map(|(_, phases)| only_columns(phases)).collect()
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
