//! A run that is saved and goes on in another machine has the bits of one that did not stop; what does not fit is refused.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::local::{LocalTransport, spmd};
use bfc_runtime::{Dtype, Layout, Machine, RuntimeError, Tensor, Transport};
use bfc_schedule::compression::LowRank;
use bfc_schedule::{Program, Rank, Schedule};
use half::bf16;

const SIZE: u32 = 4;

fn layout(name: &str) -> Layout {
    let tensor = |name: &str, length, dtype| Tensor { name: name.to_owned(), shape: vec![length], dtype };
    Layout::with_buckets(vec![tensor(name, 40, Dtype::F32), tensor("bias", 9, Dtype::Bf16)], 64)
}

fn machine(
    schedule: &Schedule,
    transport: LocalTransport,
    from: usize,
) -> Result<Machine<LocalTransport>, RuntimeError> {
    let rank = transport.rank();
    Machine::new(schedule.rank(rank), transport, layout("weight"), |values| {
        let mut numbers = (from..).map(|index| start(rank, index) as f32);
        values.tensor::<f32>(0).fill_with(|| numbers.next().unwrap_or_default());
        values.tensor::<bf16>(1).fill_with(|| bf16::from_f32(numbers.next().unwrap_or_default()));
    })
}

/// Answers a number of questions: the gradient of ‖x‖²/4, or a step along it.
fn go_on(machine: &mut Machine<LocalTransport>, questions: usize) -> Result<(), RuntimeError> {
    for _ in 0..questions {
        let point = machine.point()?;
        let (weight, bias) = (point.tensor::<f32>(0).to_vec(), point.tensor::<bf16>(1).to_vec());
        let mut answer = machine.answer()?;
        answer.tensor::<f32>(0).iter_mut().zip(weight).for_each(|(g, x)| *g = x / 2.0);
        match answer.dtype(0) {
            Dtype::Bf16 => answer.tensor::<bf16>(1).copy_from_slice(&bias),
            _ => answer.tensor::<f32>(1).iter_mut().zip(bias).for_each(|(g, x)| *g = x.to_f32() / 2.0),
        }
        machine.next()?;
    }
    Ok(())
}

fn bits(machine: &mut Machine<LocalTransport>) -> Result<(u64, Vec<u32>, Vec<u16>), RuntimeError> {
    let steps = machine.steps();
    let model = machine.model()?;
    let weight = model.tensor::<f32>(0).iter().map(|x| x.to_bits()).collect();
    Ok((steps, weight, model.tensor::<bf16>(1).iter().map(|x| x.to_bits()).collect()))
}

fn programs() -> Vec<Program> {
    let low_rank = LowRank { rank: 2, rows: None };
    vec![dgd(), atc(), adapting(), awc(), late(), push_sum(), coded(), relayed(), compared(low_rank)]
}

#[test]
fn a_restored_machine_goes_on_with_the_same_bits() {
    for program in programs().into_iter().filter(|program| program.steps[0].iter().any(asks)) {
        let name = program.name.clone();
        let schedule = schedule(program, SIZE, vec![vec![path(SIZE)]]);
        let whole = spmd(SIZE, |transport| {
            let mut machine = machine(&schedule, transport, 0)?;
            go_on(&mut machine, 7)?;
            bits(&mut machine)
        });
        let parted = spmd(SIZE, |transport| {
            let mut first = machine(&schedule, transport, 0)?;
            go_on(&mut first, 4)?;
            // With a question pending.
            first.wanted()?;
            let saved = first.save()?;
            // The transport serves another machine, which starts elsewhere and has gone some way.
            let mut second = machine(&schedule, first.into_transport(), 1000)?;
            go_on(&mut second, 2)?;
            second.restore(&saved)?;
            assert_eq!(second.steps(), 4);
            go_on(&mut second, 3)?;
            bits(&mut second)
        });
        assert_eq!(parted.expect("a run"), whole.expect("a run"), "{name}");
    }
}

fn asks(instruction: &bfc_schedule::program::Instruction) -> bool {
    use bfc_schedule::program::Instruction::{Adapt, Gradient};
    matches!(instruction, Gradient { .. } | Adapt { .. })
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let schedules = [dgd(), atc()].map(|program| schedule(program, 1, vec![vec![ring(1)]]));
    let alone = || bfc_runtime::local::group(1).remove(0);
    let mut machine = machine(&schedules[0], alone(), 0).expect("a machine");
    go_on(&mut machine, 3).expect("steps");
    let (saved, before) = (machine.save().expect("a checkpoint"), bits(&mut machine).expect("a model"));
    let mut other = self::machine(&schedules[1], alone(), 0).expect("a machine");
    let mut named =
        Machine::new(schedules[0].rank(Rank(0)), alone(), layout("w"), |_| ()).expect("a machine");
    let position = 40;
    let damaged = |at: usize, byte: u8| {
        let mut damaged = saved.clone();
        damaged[at] = byte;
        damaged
    };
    let refused = [
        other.restore(&saved),
        named.restore(&saved),
        machine.restore(&[]),
        machine.restore(&saved[..saved.len() - 1]),
        machine.restore(&[&saved[..], &[0]].concat()),
        machine.restore(&damaged(0, b'x')),
        machine.restore(&damaged(position, 77)),
        machine.restore(&damaged(position + 8, 77)),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(RuntimeError::WrongCheckpoint { .. })), "{refused:?}");
    }
    assert_eq!(bits(&mut machine).expect("a model"), before);

    machine.wanted().expect("a question");
    machine.ready(0).expect("a bucket");
    assert!(matches!(machine.save(), Err(RuntimeError::HalfAnswered { ready: 1, .. })));
    assert!(matches!(machine.restore(&saved), Err(RuntimeError::HalfAnswered { ready: 1, .. })));
    machine.next().expect("the rest");
    machine.restore(&saved).expect("a checkpoint");
    assert_eq!(bits(&mut machine).expect("a model"), before);
}
