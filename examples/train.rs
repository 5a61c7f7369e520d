//! A trainer of one's own: a classifier of handwritten digits on a compiled schedule, one thread for each rank.
//!
//! ```console
//! bfc compile examples/digits.bf --size 8 -o sched.bin
//! cargo run --release --example train -- sched.bin          # a closure answers
//! cargo run --release --example train -- sched.bin --next   # one call for each gradient
//! ```
//!
//! The model is 65 × 10 numbers, `model[j·10 + k]` the weight of pixel j for digit k, and j = 64 the intercept. Rank i has
//! rows i, i + n, i + 2n, …. Other languages that keep this order of arithmetic get the same result.

use bfc_runtime::{Ask, Machine, RuntimeError, local};
use bfc_schedule::{RankSchedule, Schedule};
use std::error::Error;

const DIGITS: &str = include_str!("data/digits.csv");
const PIXELS: usize = 64;
const CLASSES: usize = 10;
const L2: f64 = 0.01;
const STEPS: u64 = 300;

type Row = ([f64; PIXELS], usize);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, drive) = match &arguments[..] {
        [path] => (path, Drive::Closure),
        [path, flag] if flag == "--next" => (path, Drive::Next),
        _ => return Err("usage: train SCHEDULE [--next]".into()),
    };
    let models = train(&std::fs::read(path)?, drive)?;
    let average = mean(&models);
    let distance =
        models.iter().map(|model| square_distance(model, &average)).sum::<f64>() / models.len() as f64;
    let rows = read_digits()?;
    let all: Vec<&Row> = rows.iter().collect();
    println!("loss {:.12}", loss(&all, 1.0 / all.len() as f64, &average));
    println!("accuracy {:.4}", accuracy(&all, &average));
    println!("consensus distance {:.3e}", distance.sqrt());
    Ok(())
}

/// How the machine is driven; both do the same.
#[derive(Clone, Copy)]
enum Drive {
    /// It calls a closure whenever it wants a gradient.
    Closure,
    /// The loop asks for the point and hands the gradient in, as after a `backward()`.
    Next,
}

/// Trains with a compiled schedule; returns the models of all ranks.
fn train(file: &[u8], drive: Drive) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let rows = read_digits()?;
    let size = Schedule::decode(file)?.size();
    let models = local::spmd(size, |transport| {
        let rank = bfc_runtime::Transport::rank(&transport);
        let own: Vec<&Row> = rows.iter().skip(rank.index()).step_by(size as usize).collect();
        let factor = size as f64 / rows.len() as f64;
        let schedule = RankSchedule::decode(file, rank).map_err(|error| error.to_string())?;
        run_rank(schedule, transport, &own, factor, drive).map_err(|error| error.to_string())
    });
    Ok(models.map_err(|error| error.to_string())?)
}

fn run_rank(
    schedule: RankSchedule,
    transport: local::LocalTransport,
    rows: &[&Row],
    factor: f64,
    drive: Drive,
) -> Result<Vec<f64>, RuntimeError> {
    let initial = vec![0.0; (PIXELS + 1) * CLASSES];
    let mut machine = Machine::<f64, _>::new(schedule, transport, &initial)?;
    match drive {
        Drive::Closure => {
            for _ in 0..STEPS {
                machine.step(&mut |ask: Ask<'_, f64>| match ask {
                    Ask::Gradient { point, gradient: into } => {
                        into.copy_from_slice(&gradient(rows, factor, point))
                    }
                    Ask::Adapt { point, .. } => {
                        let along = gradient(rows, factor, point);
                        point.iter_mut().zip(along).for_each(|(w, g)| *w -= 0.1 * g);
                    }
                })?;
            }
        }
        Drive::Next => {
            let mut done = 0;
            while done < STEPS {
                let answer = gradient(rows, factor, machine.point()?);
                done += u64::from(machine.next(&answer)?);
            }
        }
    }
    Ok(machine.model()?.to_vec())
}

/// Pixels divided by 16, and the digit.
fn read_digits() -> Result<Vec<Row>, Box<dyn Error>> {
    let row = |line: &str| -> Result<Row, Box<dyn Error>> {
        let numbers: Vec<usize> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (&digit, pixels) = numbers.split_last().ok_or("an empty line")?;
        let pixels: Vec<f64> = pixels.iter().map(|&pixel| pixel as f64 / 16.0).collect();
        Ok((pixels.try_into().map_err(|_| "a line without 64 pixels")?, digit))
    };
    DIGITS.lines().map(row).collect()
}

/// The logits of a row: the intercept, then pixels in order.
fn logits(model: &[f64], pixels: &[f64; PIXELS]) -> [f64; CLASSES] {
    let mut logits = [0.0; CLASSES];
    logits.copy_from_slice(&model[PIXELS * CLASSES..]);
    for (x, weights) in pixels.iter().zip(model.chunks_exact(CLASSES)) {
        logits.iter_mut().zip(weights).for_each(|(logit, w)| *logit += x * w);
    }
    logits
}

/// Probabilities of the classes, and the logarithm of the sum of exponentials.
fn softmax(logits: [f64; CLASSES]) -> ([f64; CLASSES], f64) {
    let largest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let powers = logits.map(|logit| (logit - largest).exp());
    let sum: f64 = powers.iter().sum();
    (powers.map(|power| power / sum), largest + sum.ln())
}

fn loss(rows: &[&Row], factor: f64, model: &[f64]) -> f64 {
    let of_row = |(pixels, digit): &Row| {
        let logits = logits(model, pixels);
        softmax(logits).1 - logits[*digit]
    };
    factor * rows.iter().map(|row| of_row(row)).sum::<f64>()
        + L2 / 2.0 * model.iter().map(|w| w * w).sum::<f64>()
}

fn gradient(rows: &[&Row], factor: f64, model: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; model.len()];
    for (pixels, digit) in rows {
        let (mut residual, _) = softmax(logits(model, pixels));
        residual[*digit] -= 1.0;
        for (x, sums) in pixels.iter().chain([&1.0]).zip(sum.chunks_exact_mut(CLASSES)) {
            sums.iter_mut().zip(residual).for_each(|(s, r)| *s += x * r);
        }
    }
    sum.iter().zip(model).map(|(s, w)| factor * s + L2 * w).collect()
}

fn accuracy(rows: &[&Row], model: &[f64]) -> f64 {
    let right = rows.iter().filter(|(pixels, digit)| {
        let logits = logits(model, pixels);
        logits.iter().all(|&logit| logit <= logits[*digit])
    });
    right.count() as f64 / rows.len() as f64
}

fn mean(models: &[Vec<f64>]) -> Vec<f64> {
    let column = |j: usize| models.iter().map(|model| model[j]).sum::<f64>() / models.len() as f64;
    (0..models[0].len()).map(column).collect()
}

fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bfc_compiler::{Entry, Files, Request, compile};

    struct NoFiles;

    impl Files for NoFiles {
        fn read(&self, _: &str, name: &str) -> Result<(String, String), String> {
            Err(format!("no file `{name}`"))
        }
    }

    fn schedule() -> Vec<u8> {
        let entry = Entry::Source { name: "digits.bf".into(), text: include_str!("digits.bf").into() };
        let request = Request { entry, size: 4, local_size: 1, parameters: vec![], allow: vec![] };
        let Ok(compiled) = compile(&request, &NoFiles) else { panic!("examples/digits.bf compiles") };
        compiled.schedule.encode()
    }

    #[test]
    fn training_reaches_agreement_and_accuracy() {
        let models = train(&schedule(), Drive::Closure).expect("trains");
        let average = mean(&models);
        assert!(models.iter().all(|model| square_distance(model, &average).sqrt() < 1e-2));
        let rows = read_digits().expect("digits");
        assert!(accuracy(&rows.iter().collect::<Vec<_>>(), &average) > 0.93);
    }

    #[test]
    fn a_closure_and_a_loop_drive_the_same_machine() {
        let file = schedule();
        assert_eq!(train(&file, Drive::Closure).expect("trains"), train(&file, Drive::Next).expect("trains"));
    }
}
