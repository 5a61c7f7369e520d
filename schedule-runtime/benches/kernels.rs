use bfc_runtime::conformance::schedules::*;
use bfc_runtime::{Ask, Machine, Transport, kernel, local};
use bfc_schedule::Rational;
use bfc_schedule::program::{Instruction, Operation, Program, Register, Shape};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

fn go(name: &str, expression: Vec<Operation>, into: Register, length: usize, arrays: f64) {
    let mut program = Program { registers: vec![Shape::Vector; 4], ..averaging() };
    for (i, n) in [(1, "a"), (2, "b"), (3, "c")] {
        program.states.push((n.into(), Register(i)));
        program.initial.push(Instruction::Compute {
            into: Register(i),
            expression: vec![Operation::Constant(Rational::from_f64(0.5).unwrap())],
        });
    }
    program.steps = vec![vec![Instruction::Compute { into, expression }]];
    let schedule = schedule(program, 1, vec![vec![ring(1)]]);
    let t = local::spmd(1, |transport| {
        let x = vec![1f32; length];
        let mut machine = Machine::new(schedule.rank(transport.rank()), transport, &x).expect("a machine");
        let mut best = f64::MAX;
        let reps = (50_000_000 / length).max(1);
        for _ in 0..20 {
            let t = Instant::now();
            for _ in 0..reps {
                machine.step(&mut |_: Ask<'_, f32>| ()).unwrap();
            }
            best = best.min(t.elapsed().as_secs_f64() / reps as f64);
        }
        Ok::<_, Infallible>(best)
    })
    .unwrap()[0];
    let (mut a, b, c) = (vec![0f32; length], vec![1f32; length], vec![1f32; length]);
    let mut tri = f64::MAX;
    let mut fu = f64::MAX;
    for _ in 0..20 {
        let t = Instant::now();
        for _ in 0..(50_000_000 / length).max(1) {
            let (a, b, c) = (black_box(&mut a), black_box(&b), black_box(&c));
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = *b + 3.0 * *c
            }
        }
        tri = tri.min(t.elapsed().as_secs_f64() / (50_000_000 / length).max(1) as f64);
        let t = Instant::now();
        for _ in 0..(50_000_000 / length).max(1) {
            kernel::fused(black_box(&mut a), &[(0.5, &b[..]), (0.3, &c[..])]);
        }
        fu = fu.min(t.elapsed().as_secs_f64() / (50_000_000 / length).max(1) as f64);
    }
    println!(
        "{name} {length}: {:.1} GB/s, triad {:.1} fused {:.1}",
        arrays * length as f64 * 4. / t / 1e9,
        3. * length as f64 * 4. / tri / 1e9,
        3. * length as f64 * 4. / fu / 1e9
    );
}

fn main() {
    use Operation::*;
    let r = |i| Operation::Register(self::Register(i));
    let c = |x| Constant(Rational::from_f64(x).unwrap());
    for n in [16384, 25_000_000] {
        go("x - lr g", vec![r(0), c(0.125), r(1), Multiply, Subtract], self::Register(0), n, 3.);
        go("y = x - lr g", vec![r(0), c(0.125), r(1), Multiply, Subtract], self::Register(2), n, 3.);
        go(
            "a x + b y - c z",
            vec![c(0.5), r(0), Multiply, c(0.125), r(1), Multiply, Add, c(0.125), r(2), Multiply, Subtract],
            self::Register(3),
            n,
            4.,
        );
    }
}
