//! Changes of a draft, in words: `size 5`, `phase 0 hop 0 to 3`, `phase 1 rank 2 round 0 sends to 9`,
//! `average reduce 0 first 3`, `topology named a\nb`, `step 1 before 0 swap %0 %2`.

#![allow(clippy::unit_arg, reason = "a change that is made is `Some` of nothing")]

use bfc_schedule::matrix::CayleyMatrix;
use bfc_schedule::program::{
    Block, Expression, Flight, Input, Instruction, Operation, Operator, Register, Shape, Transfer,
};
use bfc_schedule::{
    Average, Codec, Draft, Group, MixingMatrix, Phase, Program, Rank, Rational, RoundPlan, RoundTable,
    SliceRound,
};

/// Makes the change that a line describes.
pub fn apply(draft: &mut Draft, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let known = match &words[..] {
        ["size", size] => set(&mut draft.size, number(size)),
        ["local_size", size] => set(&mut draft.local_size, number(size)),
        ["topology", "named", name] => set(&mut draft.topologies[0].name, name.replace("\\n", "\n")),
        ["average", "none"] => set(&mut draft.average, None),
        ["average", rest @ ..] => average(draft.average.as_mut().expect("an average"), rest),
        ["phases", "none"] => set(&mut draft.topologies[0].phases, vec![]),
        ["phases", "twice"] => {
            let phases = &mut draft.topologies[0].phases;
            set(phases, [&phases[..], &phases[..]].concat())
        }
        ["phase", at, "size", size] => {
            set(&mut draft.topologies[0].phases[index(at)], scaling(number(size), Rational::one()))
        }
        ["phase", at, "scales", by] => {
            set(&mut draft.topologies[0].phases[index(at)], scaling(draft.size, weight(by)))
        }
        ["phase", at, "rounds", "of", other] => {
            let plan = draft.topologies[0].phases[index(other)].plan.clone();
            set(&mut draft.topologies[0].phases[index(at)].plan, plan)
        }
        ["phase", at, rest @ ..] => match &mut draft.topologies[0].phases[index(at)].plan {
            RoundPlan::Cayley { rounds, self_weight, .. } => symbolic(rounds, self_weight, rest),
            RoundPlan::Table(table) => rounds(table, rest),
        },
        _ => program(&mut draft.program, &words),
    };
    known.unwrap_or_else(|| panic!("no change is written `{line}`"));
}

fn set<T>(place: &mut T, value: T) -> Option<()> {
    *place = value;
    Some(())
}

fn number(word: &str) -> u32 {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is not a number"))
}

fn index(word: &str) -> usize {
    number(word) as usize
}

/// `3`, `1/3` or `1/2^20000`.
fn weight(word: &str) -> Rational {
    let (numerator, denominator) = word.split_once('/').unwrap_or((word, "1"));
    let power = |word: &str| match word.split_once('^') {
        Some((base, exponent)) => num_bigint::BigInt::from(number(base)).pow(number(exponent)),
        None => number(word).into(),
    };
    Rational::new(power(numerator), power(denominator))
}

/// Every rank keeps this share of its own, and nothing is sent.
fn scaling(size: u32, self_weight: Rational) -> Phase {
    let group = Group::cyclic(size);
    let matrix = CayleyMatrix::new(group.clone(), self_weight.clone(), vec![]).expect("a diagonal matrix");
    let plan = RoundPlan::Cayley { group, self_weight, rounds: vec![] };
    Phase { matrix: MixingMatrix::Cayley(matrix), plan }
}

fn symbolic(rounds: &mut Vec<(Rank, Rational)>, kept: &mut Rational, words: &[&str]) -> Option<()> {
    match words {
        ["keeps", share] => set(kept, weight(share)),
        ["hop", at, "to", hop] => set(&mut rounds[index(at)].0, Rank(number(hop))),
        ["hop", at, "weight", share] => set(&mut rounds[index(at)].1, weight(share)),
        ["hop", at, "again"] => Some(rounds.push(rounds[index(at)].clone())),
        _ => None,
    }
}

fn rounds(table: &mut RoundTable, words: &[&str]) -> Option<()> {
    match words {
        ["rounds", count] => set(&mut table.rounds, number(count)),
        ["ranks", count] => Some(table.self_weights.truncate(index(count))),
        ["offset", at, place] => set(&mut table.offsets[index(at)], index(place)),
        ["rank", rank, "keeps", "weight", id] => set(&mut table.self_weights[index(rank)], number(id)),
        ["rank", rank, "keeps", share] => {
            table.weights.push(weight(share));
            set(&mut table.self_weights[index(rank)], table.weights.len() as u32 - 1)
        }
        ["rank", rank, "swaps", "rounds"] => {
            let start = table.offsets[index(rank)];
            Some(table.actions.swap(start, start + 1))
        }
        ["rank", rank, "round", round, rest @ ..] => {
            let start = table.offsets[index(rank)];
            let action = table.actions[start..].iter_mut().find(|action| action.round == number(round))?;
            match rest {
                ["sends", "to", peer] => set(&mut action.send_to, Some(Rank(number(peer)))),
                ["receives", "nothing"] => set(&mut action.receive, None),
                ["receives", share, "from", peer] => {
                    table.weights.push(weight(share));
                    set(&mut action.receive, Some((Rank(number(peer)), table.weights.len() as u32 - 1)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn average(average: &mut Average, words: &[&str]) -> Option<()> {
    match words {
        ["size", size] => set(&mut average.size, number(size)),
        ["reduce", rest @ ..] => slices(&mut average.reduce, rest),
        ["gather", rest @ ..] => slices(&mut average.gather, rest),
        _ => None,
    }
}

fn slices(rounds: &mut Vec<SliceRound>, words: &[&str]) -> Option<()> {
    match words {
        ["reversed"] => Some(rounds.reverse()),
        ["only", count] => Some(rounds.truncate(index(count))),
        [at, "again"] => Some(rounds.push(rounds[index(at)])),
        [at, "hop", hop] => set(&mut rounds[index(at)].hop, number(hop)),
        [at, "first", first] => set(&mut rounds[index(at)].first, number(first)),
        _ => None,
    }
}

fn program(program: &mut Program, words: &[&str]) -> Option<()> {
    match words {
        ["conditions", count] => {
            let conditions = vec![vec![Operation::Step]; index(count)];
            set(&mut program.conditions, conditions)
        }
        ["steps", count] => Some(program.steps.resize(index(count), vec![])),
        ["condition", at, "=", rest @ ..] => set(&mut program.conditions[index(at)], expression(rest)),
        ["input", name] => {
            Some(program.inputs.push(Input { name: name.to_string(), default: Rational::zero() }))
        }
        ["called", name] => set(&mut program.name, name.to_string()),
        ["state", name, "in", register] => {
            Some(program.states.push((name.to_string(), self::register(register))))
        }
        ["code", "top_k", count] => {
            Some(program.registers.push(Shape::Code(Codec::TopK(number(count).into()))))
        }
        ["model", "is", register] => set(&mut program.model_register, self::register(register)),
        ["initial", rest @ ..] => block(&mut program.initial, rest),
        ["model", rest @ ..] => block(&mut program.model, rest),
        ["step", at, rest @ ..] => block(&mut program.steps[index(at)], rest),
        _ => None,
    }
}

fn block(block: &mut Block, words: &[&str]) -> Option<()> {
    match words {
        [at, "removed"] => Some(drop(block.remove(index(at)))),
        ["first", rest @ ..] => Some(block.insert(0, instruction(rest)?)),
        ["last", rest @ ..] => Some(block.push(instruction(rest)?)),
        [at, rest @ ..] => set(block.get_mut(index(at))?, instruction(rest)?),
        [] => None,
    }
}

fn register(word: &str) -> Register {
    Register(word.strip_prefix('%').and_then(|digits| digits.parse().ok()).expect("a register, `%0`"))
}

fn flight(word: &str) -> Flight {
    Flight(number(word) as u16)
}

fn instruction(words: &[&str]) -> Option<Instruction> {
    let exchange = |operator, transfers: &[&str]| {
        let transfer = |word: &&str| {
            let (from, into) = word.split_once('>').expect("a transfer, `%0>%1`");
            Transfer { from: register(from), into: register(into) }
        };
        Some(Instruction::Exchange { operator, transfers: transfers.iter().map(transfer).collect() })
    };
    match words {
        ["swap", a, b] => Some(Instruction::Swap(register(a), register(b))),
        ["mix", topology, transfers @ ..] => exchange(Operator::Mix(number(topology)), transfers),
        ["average", transfers @ ..] => exchange(Operator::Average, transfers),
        ["begin", flight, rest @ ..] => match instruction(rest)? {
            Instruction::Exchange { operator, transfers } => {
                Some(Instruction::Begin { flight: self::flight(flight), operator, transfers })
            }
            _ => None,
        },
        ["finish", flight] => Some(Instruction::Finish { flight: self::flight(flight) }),
        [into, "=", "parameters"] => Some(Instruction::Parameters { into: register(into) }),
        [into, "=", "gradient", at] => Some(Instruction::Gradient { at: register(at), into: register(into) }),
        [into, "=", "encode", from] => {
            Some(Instruction::Encode { from: register(from), into: register(into) })
        }
        [into, "=", rest @ ..] => {
            Some(Instruction::Compute { into: register(into), expression: expression(rest) })
        }
        _ => None,
    }
}

/// A postfix expression of registers `%0`, inputs `#0`, the step `t`, numbers, `+` and `*`.
fn expression(words: &[&str]) -> Expression {
    let operation = |word: &&str| match *word {
        "t" => Operation::Step,
        "+" => Operation::Add,
        "*" => Operation::Multiply,
        word if word.starts_with('%') => Operation::Register(register(word)),
        word => match word.strip_prefix('#') {
            Some(input) => Operation::Input(number(input) as u16),
            None => Operation::Constant(weight(word)),
        },
    };
    words.iter().map(operation).collect()
}
