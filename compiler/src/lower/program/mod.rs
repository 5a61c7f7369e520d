//! An algorithm's data-flow graph, turned into the straight-line program that all ranks share.
//!
//! First, what one step would send again after another is carried over (`carry`). Then three passes over each block:
//! `fuse` decides which values need a buffer and folds all others into expressions, `order` puts exchanges, questions to the
//! trainer and expressions in a sequence, `registers` gives the values their buffers and leaves every state where the next
//! step looks for it. At last `overlap` has exchanges go on while the trainer computes.

mod carry;
mod fuse;
mod order;
mod overlap;
mod registers;

use crate::model::algorithm::{Algorithm, ValueId, ValueKind, reachable};
use bfc_schedule::Program;
use bfc_schedule::program::{Block, Register, Shape};
use fuse::Flow;
use registers::Registers;

/// The program of an algorithm.
///
/// Registers come in this order: the states, a copy of the initial parameters if a step reads them, then buffers.
pub fn program(algorithm: &Algorithm) -> Program {
    let algorithm = &*carry::carried(algorithm);
    let homes = homes(algorithm);
    let held: Vec<_> = homes.iter().filter_map(|home| Some((home.register, home.value?))).collect();
    let mut registers = Registers::new(homes.iter().map(|home| home.shape).collect());

    let wanted = homes.iter().map(|home| (home.register, home.initial)).collect();
    let initial = block(algorithm, &mut registers, vec![], wanted);
    let steps = algorithm
        .steps
        .iter()
        .map(|next| {
            let kept = homes.iter().skip(next.len()).filter_map(|home| home.value);
            let next = next.iter().copied().chain(kept);
            let wanted = homes.iter().map(|home| home.register).zip(next).collect();
            block(algorithm, &mut registers, held.clone(), wanted)
        })
        .collect();
    let (model, model_register) = model(algorithm, &mut registers, held);

    let mut program = Program {
        name: algorithm.name.clone(),
        inputs: algorithm.inputs.clone(),
        registers: registers.into_shapes(),
        states: homes.into_iter().map(|home| (home.name, home.register)).collect(),
        initial,
        conditions: algorithm
            .conditions
            .iter()
            .map(|&condition| fuse::inline(algorithm, condition))
            .collect(),
        steps,
        model,
        model_register,
    };
    overlap::overlap(&mut program);
    program
}

/// What survives from one block to the next.
struct Home {
    name: String,
    register: Register,
    shape: Shape,
    initial: ValueId,
    /// The value that stands for its contents before a step, unless nothing reads it.
    value: Option<ValueId>,
}

fn homes(algorithm: &Algorithm) -> Vec<Home> {
    let value_of = |kind: ValueKind| {
        let index = algorithm.values.iter().position(|value| value.kind == kind)?;
        Some(ValueId(index as u32))
    };
    let states = algorithm.states.iter().zip(0..);
    let mut homes: Vec<_> = states
        .map(|(state, index)| Home {
            name: state.name.clone(),
            register: Register(index),
            shape: state.shape,
            initial: state.initial,
            value: value_of(ValueKind::State(index as usize)),
        })
        .collect();
    let after_start = algorithm.steps.iter().flatten().chain([&algorithm.model]);
    let reached = reachable(&algorithm.values, after_start.copied());
    if let Some(value) = value_of(ValueKind::Parameters).filter(|value| reached[value.0 as usize]) {
        homes.push(Home {
            name: "params".to_string(),
            register: Register(homes.len() as u16),
            shape: Shape::Vector,
            initial: value,
            value: Some(value),
        });
    }
    homes
}

fn block(
    algorithm: &Algorithm,
    registers: &mut Registers,
    held: Vec<(Register, ValueId)>,
    wanted: Vec<(Register, ValueId)>,
) -> Block {
    let flow = Flow::new(algorithm, values(&held), values(&wanted));
    registers.block(&flow, &held, &wanted)
}

/// Leaves the states alone and puts the model wherever a buffer is free.
fn model(
    algorithm: &Algorithm,
    registers: &mut Registers,
    held: Vec<(Register, ValueId)>,
) -> (Block, Register) {
    if let Some((register, _)) = held.iter().find(|(_, value)| *value == algorithm.model) {
        return (vec![], *register);
    }
    let flow = Flow::new(algorithm, values(&held), vec![algorithm.model]);
    registers.block_beside_states(&flow, &held, algorithm.model)
}

fn values(places: &[(Register, ValueId)]) -> Vec<ValueId> {
    places.iter().map(|&(_, value)| value).collect()
}
