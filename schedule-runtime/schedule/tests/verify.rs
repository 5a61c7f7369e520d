//! Every invariant has a draft that breaks it, and the error says where.

use crate::common::*;
use bfc_schedule::compression::LowRank;
use bfc_schedule::matrix::Row;
use bfc_schedule::program::{Input, Instruction, Operation, Operator, Shape, Transfer};
use bfc_schedule::verify::{MOST_ERRORS, MOST_WEIGHT_BITS};
use bfc_schedule::{
    Action, Codec, Draft, Group, Phase, Rank, RankSchedule, Rational, RoundPlan, RoundTable, Schedule,
    VerifyError,
};
use miette::Diagnostic;
use proptest::prelude::*;

fn errors(draft: Draft) -> Vec<VerifyError> {
    Schedule::new(draft).expect_err("the draft is not valid")
}

/// Breaks a valid draft; the first error has this code and this message.
#[track_caller]
fn breaks(code: &str, message: &str, change: impl FnOnce(&mut Draft)) {
    let mut draft = draft(4, vec![ring(4), star(4)], rich());
    change(&mut draft);
    let error = &errors(draft)[0];
    assert_eq!(error.code().unwrap().to_string(), format!("bfc::verify::{code}"));
    assert_eq!(error.to_string(), message);
    assert!(error.help().is_some());
}

fn table_of(draft: &mut Draft) -> &mut RoundTable {
    match &mut draft.topologies[0].phases[1].plan {
        RoundPlan::Table(table) => table,
        RoundPlan::Cayley { .. } => unreachable!("the star is a table"),
    }
}

fn hops_of(draft: &mut Draft) -> &mut Vec<(Rank, Rational)> {
    match &mut draft.topologies[0].phases[0].plan {
        RoundPlan::Cayley { rounds, .. } => rounds,
        RoundPlan::Table(_) => unreachable!("the ring is symbolic"),
    }
}

/// The action of the star's rank in that round, and all its weights.
fn action(draft: &mut Draft, rank: u32, round: u32) -> &mut Action {
    let table = table_of(draft);
    let start = table.offsets[rank as usize];
    table.actions[start..].iter_mut().find(|action| action.round == round).unwrap()
}

#[test]
fn sizes() {
    breaks("size", "a schedule for 4 ranks, 3 on each machine", |draft| draft.local_size = 3);
    breaks("size", "a schedule for 4 ranks, 0 on each machine", |draft| draft.local_size = 0);
    breaks("size", "a schedule for 0 ranks, 1 on each machine", |draft| draft.size = 0);
    breaks("no_phase", "topology `W` has no phase", |draft| draft.topologies[0].phases.clear());
    breaks("phase_size", "phase 1 of `W` is for 5 ranks, the schedule for 4", |draft| {
        draft.topologies[0].phases[1] = star(5);
    });
    breaks(
        "weight_bits",
        "a weight of phase 0 of `W` takes 20002 bits, at most 16384 are allowed",
        |draft| {
            let long = Rational::new(1, num_bigint::BigInt::from(1) << 20_000);
            draft.topologies[0].phases[0] = symbolic(Group::cyclic(4), long, vec![]);
        },
    );
    assert_eq!(MOST_WEIGHT_BITS, 16384);
}

#[test]
fn one_rank_runs() {
    assert!(Schedule::new(draft(1, vec![ring_of_one()], rich())).is_ok());
}

fn ring_of_one() -> bfc_schedule::Phase {
    symbolic(Group::cyclic(1), Rational::one(), vec![])
}

#[test]
fn forms() {
    let message = "phase 0 of `W` has rounds whose form is not that of its matrix";
    breaks("form", message, |draft| draft.topologies[0].phases[0].plan = star(4).plan);
    breaks("form", message, |draft| {
        let other = Group::new(vec![2, 2]).unwrap();
        draft.topologies[0].phases[0].plan =
            symbolic(other, Rational::new(1, 2), vec![(Rank(1), Rational::new(1, 2))]).plan;
    });
    let table = |what: &str| format!("the round table of phase 1 of `W` is inconsistent: {what}");
    breaks("table", &table("it is not for every rank"), |draft| table_of(draft).self_weights.truncate(3));
    breaks("table", &table("its offsets do not cover its actions"), |draft| table_of(draft).offsets[1] = 999);
    breaks("table", &table("it names a weight that it does not have"), |draft| {
        table_of(draft).self_weights[0] = 99
    });
}

#[test]
fn peers() {
    breaks("peer_range", "rank 1 names rank 9 in round 0 of phase 1 of `W`, found size 4", |draft| {
        action(draft, 1, 0).send_to = Some(Rank(9));
    });
    breaks("peer_range", "rank 0 names rank 4 in round 0 of phase 0 of `W`, found size 4", |draft| {
        hops_of(draft)[0].0 = Rank(4);
    });
    breaks("self_message", "rank 1 exchanges with itself in round 0 of phase 1 of `W`", |draft| {
        action(draft, 1, 0).send_to = Some(Rank(1));
    });
    breaks("self_message", "rank 0 exchanges with itself in round 0 of phase 0 of `W`", |draft| {
        hops_of(draft)[0].0 = Rank(0);
    });
}

#[test]
fn order() {
    breaks("round_order", "rank 0 acts in round 0 of phase 1 of `W` out of order", |draft| {
        table_of(draft).actions[..2].reverse();
    });
    breaks("round_order", "rank 0 acts in round 2 of phase 1 of `W` out of order", |draft| {
        table_of(draft).rounds = 2
    });
    breaks("idle_round", "nobody sends in round 3 of phase 1 of `W`", |draft| table_of(draft).rounds = 4);
    breaks("idle_round", "nobody sends in round 3 of phase 1 of `W`", |draft| {
        table_of(draft).rounds = u32::MAX
    });
}

#[test]
fn matching() {
    let message = "rank 1 sends to rank 2 in round 0 of phase 1 of `W`, which then receives from nobody";
    let mut draft = draft(4, vec![ring(4), star(4)], gossip());
    action(&mut draft, 1, 0).send_to = Some(Rank(2));
    let found = errors(draft);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(texts.contains(&message.to_owned()), "{texts:?}");
    let waits = "rank 0 waits for rank 1 in round 0 of phase 1 of `W`, which then sends to rank 2";
    assert!(texts.contains(&waits.to_owned()), "{texts:?}");
    let codes: Vec<String> = found.iter().map(|error| error.code().unwrap().to_string()).collect();
    assert_eq!(codes, ["bfc::verify::unmatched_receive", "bfc::verify::unmatched_send"]);
}

#[test]
fn weights() {
    breaks("weight", "rank 1 gets 1/3 of rank 0 in phase 0 of `W`, W says 1/2", |draft| {
        hops_of(draft)[0].1 = Rational::new(1, 3);
    });
    breaks("weight", "rank 1 gets nothing of rank 0 in phase 0 of `W`, W says 1/2", |draft| {
        hops_of(draft)[0].0 = Rank(3)
    });
    breaks("weight", "rank 0 gets 7 of rank 2 in phase 1 of `W`, W says 1/6", |draft| {
        let table = table_of(draft);
        table.weights.push(Rational::integer(7));
        let seven = table.weights.len() as u32 - 1;
        action(draft, 0, 1).receive = Some((Rank(2), seven));
    });
    breaks("weight", "rank 2 gets 1/6 of rank 2 in phase 1 of `W`, W says 1/2", |draft| {
        table_of(draft).self_weights[2] = 1;
    });
    breaks("weight", "rank 1 gets nothing of rank 0 in phase 1 of `W`, W says 1/2", |draft| {
        action(draft, 1, 0).receive = None;
    });
    breaks(
        "repeated_receive",
        "rank 0 receives from rank 1 a second time in round 1 of phase 1 of `W`",
        |draft| {
            action(draft, 0, 1).receive = Some((Rank(1), 0));
        },
    );
    breaks(
        "repeated_receive",
        "rank 1 receives from rank 0 a second time in round 1 of phase 0 of `W`",
        |draft| {
            let again = hops_of(draft)[0].clone();
            hops_of(draft).push(again);
        },
    );
}

#[test]
fn averages() {
    breaks(
        "average_missing",
        "instruction 0 of the step block 0 averages, and the schedule has no rounds for it",
        |draft| {
            draft.average = None;
        },
    );
    breaks("average_size", "the rounds of `average` are for 5 ranks, the schedule for 4", |draft| {
        draft.average = Some(average(5));
    });
    let range = "reduce round 0 of `average` sends 2 blocks from 3 on to 2 ranks ahead, found size 4";
    breaks("average_range", range, |draft| draft.average.as_mut().unwrap().reduce[0].first = 3);
    let block =
        |block: u32, fault: &str| format!("in `average`, the block {block} after a rank's own {fault}");
    let reduce = |message: &str, change: &dyn Fn(&mut Vec<bfc_schedule::SliceRound>)| {
        breaks("average_block", message, |draft| change(&mut draft.average.as_mut().unwrap().reduce));
    };
    let gather = |message: &str, change: &dyn Fn(&mut Vec<bfc_schedule::SliceRound>)| {
        breaks("average_block", message, |draft| change(&mut draft.average.as_mut().unwrap().gather));
    };
    reduce(&block(1, "never reaches the rank that sums it"), &|rounds| rounds.truncate(1));
    reduce(&block(1, "is added to in reduce round 1, where it has been sent already"), &|rounds| {
        rounds.reverse()
    });
    reduce(&block(1, "is sent a second time in reduce round 2"), &|rounds| rounds.push(rounds[1]));
    reduce(&block(0, "is the own one, and sent in reduce round 0"), &|rounds| rounds[0].first = 0);
    gather(&block(2, "never arrives"), &|rounds| rounds.truncate(1));
    gather(&block(1, "is sent in gather round 0 before it has arrived"), &|rounds| rounds.reverse());
    gather(&block(1, "arrives a second time in gather round 2"), &|rounds| rounds.push(rounds[0]));
}

#[test]
fn an_average_of_many_ranks_is_checked_at_once() {
    let size = u32::MAX;
    assert!(Schedule::new(draft(size, vec![ring(size)], rich())).is_ok());
}

#[test]
fn names_are_words_and_hold_nothing_hidden() {
    let forged = "star)\n\u{2713} exact_average(star";
    let shown = r"star)\n✓ exact_average(star";
    let named = |what: &str, name: &str| format!("{what} is called `{name}`, expected a name");
    breaks("name", &named("a topology", shown), |draft| draft.topologies[0].name = forged.into());
    breaks("name", &named("the algorithm", shown), |draft| draft.program.name = forged.into());
    breaks("name", &named("an input", shown), |draft| draft.program.inputs[0].name = forged.into());
    breaks("name", &named("a state", shown), |draft| draft.program.states[0].0 = forged.into());
    for name in ["", "9", "a b", "a)", "star, ring", "é", "\u{202e}a", "שלום"] {
        breaks("name", &named("a topology", &name.replace('\u{202e}', r"\u{202e}")), |draft| {
            draft.topologies[0].name = name.into();
        });
    }
    let mut fine = draft(4, vec![ring(4), star(4)], rich());
    fine.topologies[0].name = "λ_W2".into();
    fine.program.states[0].0 = "mix(x, delay = 2)' sent 1 ago".into();
    assert!(Schedule::new(fine).is_ok());
}

#[test]
fn a_name_that_is_not_one_is_the_only_error() {
    let mut draft = draft(4, vec![ring(4), star(4)], rich());
    draft.topologies[0].name = "\u{1b}[2J".into();
    draft.topologies[0].phases.clear();
    let errors = errors(draft);
    assert!(errors.iter().all(|error| matches!(error, VerifyError::Name { .. })), "{errors:?}");
}

#[test]
fn names_and_numbers() {
    let at = "instruction 1 of the step block 1";
    breaks("register", &format!("{at} names register 9, found 4 registers"), |draft| {
        draft.program.steps[1][1] = Instruction::Compute { into: r(9), expression: vec![Operation::Step] };
    });
    breaks("input", "condition 0 names input 3, found 1 inputs", |draft| {
        draft.program.conditions[0] = vec![Operation::Input(3)];
    });
    breaks(
        "topology",
        "instruction 2 of the step block 1 mixes over topology 1, found 1 topologies",
        |draft| {
            draft.program.steps[1][2] = mix(1, &[(2, 0), (1, 1)]);
        },
    );
    breaks("duplicate", "`x` and `w` share a name or a register", |draft| draft.program.states[1].1 = r(0));
    breaks("duplicate", "`lr` and `lr` share a name or a register", |draft| {
        draft.program.inputs.push(Input { name: "lr".into(), default: Rational::zero() });
    });
    breaks("blocks", "1 conditions with 3 step blocks", |draft| draft.program.steps.push(vec![]));
    breaks("blocks", "7 conditions with 128 step blocks", |draft| {
        draft.program.conditions = vec![vec![Operation::Step]; 7];
        draft.program.steps = vec![vec![]; 128];
    });
    breaks("condition", "condition 0 reads register 1", |draft| {
        draft.program.conditions[0] = vec![Operation::Register(r(1))];
    });
}

#[test]
fn expressions() {
    let compute = |expression: Vec<Operation>, into| {
        move |draft: &mut Draft| {
            draft.program.steps[0].push(Instruction::Compute { into, expression });
        }
    };
    let at = "instruction 4 of the step block 0";
    let stack = |found: i32| format!("the expression of {at} leaves {found} values on its stack, expected 1");
    breaks("stack", &stack(0), compute(vec![], r(0)));
    breaks("stack", &stack(2), compute(vec![Operation::Step, Operation::Step], r(0)));
    breaks("stack", &stack(-1), compute(vec![Operation::Step, Operation::Add], r(0)));
    let shape = format!("{at} has a vector where a scalar is needed");
    breaks("shape", &shape, compute(vec![Operation::Register(r(0))], r(1)));
    breaks("shape", "instruction 0 of the initial block has a scalar where a vector is needed", |draft| {
        draft.program.initial[0] = Instruction::Parameters { into: r(1) };
    });
    breaks("shape", "instruction 0 of the step block 1 has a scalar where a vector is needed", |draft| {
        draft.program.steps[1][0] = Instruction::Gradient { at: r(1), into: r(2) };
    });
    breaks("shape", "instruction 1 of the model block has a scalar where a vector is needed", |draft| {
        draft.program.model_register = r(1);
    });
    breaks("shape", "instruction 2 of the step block 1 has a vector where a scalar is needed", |draft| {
        draft.program.steps[1][2] = mix(0, &[(2, 1)]);
    });
}

#[test]
fn definedness() {
    breaks("undefined", "instruction 0 of the step block 1 reads register 2 before it is written", |draft| {
        draft.program.steps[1].swap(0, 1);
    });
    breaks("undefined", "instruction 0 of the model block reads register 2 before it is written", |draft| {
        draft.program.model =
            vec![Instruction::Compute { into: r(3), expression: vec![Operation::Register(r(2))] }];
    });
    breaks("undefined", "instruction 0 of the model block reads register 3 before it is written", |draft| {
        draft.program.model.clear();
    });
    breaks("lost_state", "state `w` has no value after the initial block", |draft| {
        drop(draft.program.initial.pop())
    });
    breaks("lost_state", "state `x` has no value after the step block 1", |draft| {
        draft.program.steps[1].push(Instruction::Swap(r(0), r(3)));
    });
}

#[test]
fn aliases() {
    let at = "instruction 0 of the step block 1";
    let alias = |register: u16| format!("{at} writes register {register} while it is read");
    let first = |instruction| move |draft: &mut Draft| draft.program.steps[1][0] = instruction;
    breaks("alias", &alias(0), first(Instruction::Gradient { at: r(0), into: r(0) }));
    breaks("alias", &alias(0), first(Instruction::Swap(r(0), r(0))));
    let both = |program: &mut Draft, transfers: &[(u16, u16)]| {
        let copy = Instruction::Compute { into: r(2), expression: vec![Operation::Register(r(0))] };
        program.program.steps[1] = vec![copy, mix(0, transfers)];
    };
    let alias = |register: u16| {
        format!("instruction 1 of the step block 1 writes register {register} while it is read")
    };
    breaks("alias", &alias(2), |draft| both(draft, &[(0, 2), (2, 0)]));
    breaks("alias", &alias(3), |draft| both(draft, &[(0, 3), (2, 3)]));
    breaks("alias", &alias(0), |draft| both(draft, &[(0, 0), (0, 3)]));
    breaks("alias", &alias(2), |draft| {
        both(draft, &[]);
        draft.program.steps[1][1] = Instruction::Adapt { at: r(0), direction: Some(r(2)), into: r(2) };
    });
    breaks("no_transfer", "instruction 0 of the step block 1 exchanges nothing", first(mix(0, &[])));
}

#[test]
fn places() {
    let model = |instruction| move |draft: &mut Draft| draft.program.model.insert(0, instruction);
    let at = "instruction 0 of the model block may not";
    breaks("misplaced", &format!("{at} exchange"), model(mix(0, &[(0, 3)])));
    breaks(
        "misplaced",
        &format!("{at} ask the trainer"),
        model(Instruction::Gradient { at: r(0), into: r(3) }),
    );
    let compute = Instruction::Compute { into: r(0), expression: vec![Operation::Step] };
    breaks("misplaced", &format!("{at} write a state"), model(compute));
    breaks("misplaced", &format!("{at} write a state"), model(Instruction::Swap(r(0), r(2))));
    let parameters = Instruction::Parameters { into: r(3) };
    breaks("misplaced", &format!("{at} read the initial parameters"), model(parameters.clone()));
    let step = "instruction 0 of the step block 1 may not read the initial parameters";
    breaks("misplaced", step, |draft| draft.program.steps[1].insert(0, parameters));
}

/// What is wrong with the program of all that concerns neighbours, once changed.
fn neighbourly(phases: Vec<Phase>, change: impl FnOnce(&mut Draft)) -> Vec<String> {
    let mut draft = draft(4, phases, neighbours());
    change(&mut draft);
    match Schedule::new(draft) {
        Ok(_) => vec![],
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn registers_per_edge_need_edges_that_stay() {
    assert_eq!(neighbourly(vec![both_ways(4)], |_| ()), Vec::<String>::new());
    assert_eq!(neighbourly(vec![star(4)], |_| ()), Vec::<String>::new());
    let per_edge = "the program has a register per edge, and";
    let one_way = format!("{per_edge} rank 0 sends to rank 1, which does not send back");
    assert_eq!(neighbourly(vec![ring(4)], |_| ()), [one_way]);
    let table = table(
        (0..4)
            .map(|rank| Row {
                self_weight: Rational::one(),
                in_weights: if rank == 2 { vec![(Rank(1), Rational::one())] } else { vec![] },
            })
            .collect(),
    );
    assert_eq!(
        neighbourly(vec![table.clone()], |_| ()),
        [format!("{per_edge} rank 1 sends to rank 2, which does not send back")]
    );
    assert_eq!(
        neighbourly(vec![star(4), star(4)], |_| ()),
        [format!("{per_edge} the first topology has 2 phases")]
    );
    // What one rank sees of a table that goes one way.
    let mut valid = draft(4, vec![table], gossip());
    valid.program.registers.push(Shape::Vector);
    let file = Schedule::new(valid).unwrap().encode();
    let mut parts = sections(&file);
    let edge = parts[0].2.windows(6).position(|bytes| bytes == [2, 0, 0, 0, 0, 0]).unwrap();
    parts[0].2[edge + 5] = 2;
    for rank in 0..4 {
        let refused = RankSchedule::decode(&pack(&parts), Rank(rank)).is_err();
        assert_eq!(refused, [1, 2].contains(&rank), "rank {rank}");
    }
}

#[test]
fn codes_do_not_outlive_their_block() {
    let found = neighbourly(vec![both_ways(4)], |draft| {
        draft.program.states.push(("c".into(), r(7)));
        let initial = Instruction::Encode { from: r(0), into: r(7) };
        draft.program.initial.push(initial);
    });
    assert_eq!(found, ["state `c` is a code"]);
}

#[test]
fn shapes_of_what_concerns_neighbours() {
    let wrong = |at: usize, instruction: Instruction| {
        let mut errors = neighbourly(vec![both_ways(4)], |draft| draft.program.steps[0][at] = instruction);
        errors.truncate(1);
        errors.pop().unwrap_or_default()
    };
    let exchange = |operator, from, into| Instruction::Exchange {
        operator,
        transfers: vec![Transfer { from: r(from), into: r(into) }],
    };
    let at = |instruction: usize, rest: &str| format!("instruction {instruction} of the step block 0 {rest}");
    let has = |found: &str, expected: &str| format!("has a {found} where a {expected} is needed");
    assert_eq!(wrong(0, exchange(Operator::Back, 0, 3)), at(0, &has("vector", "vector per edge")));
    assert_eq!(wrong(0, exchange(Operator::Back, 1, 1)), at(0, "writes register 1 while it is read"));
    assert_eq!(wrong(0, exchange(Operator::Mix(0), 1, 5)), at(0, &has("vector per edge", "vector")));
    assert_eq!(
        wrong(9, exchange(Operator::Incoming(3), 3, 3)),
        at(9, "mixes over topology 3, found 1 topologies")
    );
    assert_eq!(
        wrong(1, Instruction::Gather { from: r(0), into: r(3) }),
        at(1, &has("vector", "vector per edge"))
    );
    assert_eq!(wrong(1, Instruction::Gather { from: r(5), into: r(4) }), at(1, &has("scalar", "vector")));
    assert_eq!(
        wrong(5, Instruction::Degree { topology: 1, into: r(4) }),
        at(5, "mixes over topology 1, found 1 topologies")
    );
    assert_eq!(
        wrong(6, Instruction::Prox { at: r(0), rho: r(4), into: r(0) }),
        at(6, "writes register 0 while it is read")
    );
    assert_eq!(
        wrong(6, Instruction::Prox { at: r(0), rho: r(3), into: r(3) }),
        at(6, &has("vector", "scalar"))
    );
    assert_eq!(
        wrong(7, Instruction::Dot { a: r(0), b: r(1), into: r(4) }),
        at(7, &has("vector per edge", "vector"))
    );
    assert_eq!(wrong(10, Instruction::Encode { from: r(0), into: r(3) }), at(10, &has("vector", "code")));
    assert_eq!(
        wrong(10, Instruction::Decode { from: r(7), into: r(3) }),
        at(10, "reads register 7 before it is written")
    );
    let read = vec![Operation::Register(r(1))];
    assert_eq!(
        wrong(3, Instruction::Compute { into: r(3), expression: read }),
        at(3, &has("vector per edge", "vector"))
    );
    let added = vec![Operation::Register(r(8)), Operation::Step, Operation::Add];
    assert_eq!(
        wrong(18, Instruction::Compute { into: r(3), expression: added }),
        at(18, &has("code", "vector"))
    );
    assert_eq!(wrong(18, exchange(Operator::Average, 8, 3)), at(18, &has("code", "vector")));
    let correct = |difference, into| Instruction::Correct {
        at: r(0),
        factor: r(15),
        difference: r(difference),
        into: r(into),
    };
    assert_eq!(
        wrong(21, Instruction::Start { into: r(1) }),
        at(21, &has("vector per edge", "factor per edge"))
    );
    assert_eq!(wrong(25, correct(15, 0)), at(25, "writes register 0 while it is read"));
    assert_eq!(wrong(25, correct(1, 3)), at(25, &has("vector per edge", "factor per edge")));
    assert_eq!(wrong(25, correct(99, 3)), at(25, "names register 99, found 19 registers"));
    assert_eq!(
        wrong(22, Instruction::Project { from: r(0), factor: r(15), into: r(1) }),
        at(22, &has("vector per edge", "factor per edge"))
    );
    assert_eq!(
        wrong(24, Instruction::Difference { mine: r(16), theirs: r(3), into: r(18) }),
        at(24, &has("vector", "factor per edge"))
    );
    let sizes = neighbourly(vec![both_ways(4)], |draft| {
        draft.program.registers[18] = Shape::EdgeFactor(LowRank { rank: 3, rows: None });
    });
    let other = has("factor per edge of another size", "factor per edge");
    assert_eq!(sizes, [at(24, &other), at(25, &other)]);
    assert_eq!(
        wrong(24, Instruction::Difference { mine: r(16), theirs: r(17), into: r(17) }),
        at(24, "writes register 17 while it is read")
    );
    let codec = neighbourly(vec![both_ways(4)], |draft| {
        draft.program.registers[7] = Shape::Code(Codec::Quantize { bits: 1, seed: None });
    });
    assert_eq!(codec, ["register 7 is a code of `quantize(1)`, which does not exist"]);
    let fraction = neighbourly(vec![both_ways(4)], |draft| {
        draft.program.registers[7] = Shape::Code(Codec::TopFraction { numerator: 2, denominator: 200 });
    });
    assert_eq!(fraction, ["register 7 is a code of `top_fraction(2/200)`, which does not exist"]);
    let misplaced = neighbourly(vec![both_ways(4)], |draft| {
        draft.program.model.push(Instruction::Degree { topology: 0, into: r(4) });
        draft.program.model.push(Instruction::Encode { from: r(0), into: r(7) });
        draft.program.model.push(Instruction::Prox { at: r(0), rho: r(4), into: r(3) });
    });
    let may_not =
        |number: usize, what: &str| format!("instruction {number} of the model block may not {what}");
    assert_eq!(
        misplaced,
        [may_not(1, "look at a topology"), may_not(2, "write a code"), may_not(3, "ask the trainer")]
    );
}

#[test]
fn all_errors_are_reported_up_to_a_limit() {
    let mut few = draft(4, vec![ring(4)], gossip());
    few.local_size = 3;
    few.program.model_register = r(7);
    hops_of(&mut few)[0].1 = Rational::zero();
    assert_eq!(errors(few).len(), 3);

    let mut many = draft(500, vec![star(500)], gossip());
    if let RoundPlan::Table(table) = &mut many.topologies[0].phases[0].plan {
        table.weights.push(Rational::integer(3));
        table.self_weights.fill(table.weights.len() as u32 - 1);
    }
    assert_eq!(errors(many).len(), MOST_ERRORS);
}

#[test]
fn a_program_may_have_no_topology() {
    let mut alone = draft(3, vec![], rich());
    alone.topologies.clear();
    alone.program.steps[1].pop();
    alone.program.steps[0][0] = Instruction::Exchange {
        operator: Operator::Average,
        transfers: vec![Transfer { from: r(0), into: r(3) }],
    };
    alone.program.registers.push(Shape::Scalar);
    assert!(Schedule::new(alone).is_ok());
}

/// Carries an average out on sets of contributors; `None` where a block ends otherwise than with every rank once.
fn carry_out(average: &bfc_schedule::Average) -> Option<()> {
    let size = average.size as usize;
    let mut blocks: Vec<Vec<Vec<usize>>> = (0..size).map(|rank| vec![vec![rank]; size]).collect();
    for (rounds, adds) in [(&average.reduce, true), (&average.gather, false)] {
        for round in rounds {
            let before = blocks.clone();
            for (rank, own) in before.iter().enumerate() {
                let target = (rank + round.hop as usize) % size;
                for block in
                    (round.first..round.first + round.count).map(|block| (rank + block as usize) % size)
                {
                    let kept = if adds { before[target][block].clone() } else { vec![] };
                    blocks[target][block] = [kept, own[block].clone()].concat();
                }
            }
        }
    }
    blocks.iter_mut().flatten().for_each(|block| block.sort());
    blocks.iter().flatten().all(|block| block.iter().copied().eq(0..size)).then_some(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// An average that passes averages, whatever was done to it.
    #[test]
    fn an_average_that_passes_is_right(
        size in 1u32..14,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, 0u32..14), 0..3),
    ) {
        let mut draft = draft(size, vec![symbolic(Group::cyclic(size), Rational::one(), vec![])], gossip());
        let average = draft.average.as_mut().unwrap();
        for (at, what, value) in changes {
            let rounds = average.reduce.len();
            if rounds > 0 {
                let at = at.index(2 * rounds);
                let round = if at < rounds { &mut average.reduce[at] } else { &mut average.gather[at - rounds] };
                match what {
                    0 => round.hop = value,
                    1 => round.first = value,
                    2 => round.count = value,
                    _ => average.reduce.swap(at % rounds, value as usize % rounds),
                }
            }
        }
        let average = average.clone();
        if Schedule::new(draft).is_ok() {
            prop_assert!(carry_out(&average).is_some(), "{average:?}");
        }
    }
}
