//! A trainer of one's own: a classifier of handwritten digits on a compiled schedule, one thread for each rank.
//!
//! ```console
//! bfc compile examples/digits.bf --size 8 -o sched.bin
//! cargo run --release --example train -- sched.bin          # a closure answers
//! cargo run --release --example train -- sched.bin --next   # one call for each gradient
//! ```
//!
//! The data, their split and the loss are those of `bfc run`, and so is the result. The model is 65 × 10 numbers,
//! `model[j·10 + k]` the weight of pixel j for digit k, and j = 64 the intercept.

use bfc_runtime::{Ask, Flat, FlatAsk, RuntimeError, Transport, local};
use bfc_schedule::random::shuffle;
use bfc_schedule::{RankSchedule, Schedule};
use std::error::Error;

const DIGITS: &str = include_str!("data/digits.csv");
const PIXELS: usize = 64;
const CLASSES: usize = 10;
const L2: f64 = 0.01;
const STEPS: u64 = 300;

type Row = ([f64; PIXELS], usize);

/// Pixels and digit of each image.
pub struct Data {
    /// What the ranks share out among them, in this order.
    pub train: Vec<Row>,
    /// What is kept apart.
    pub test: Vec<Row>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, drive) = match &arguments[..] {
        [path] => (path, Drive::Closure),
        [path, flag] if flag == "--next" => (path, Drive::Next),
        _ => return Err("usage: train SCHEDULE [--next]".into()),
    };
    let data = read_digits()?;
    let models = train(&std::fs::read(path)?, &data, drive)?;
    let average = mean(&models);
    println!("loss {:.12}", loss(&data.train, 1.0 / data.train.len() as f64, &average));
    println!("test accuracy {:.4}", accuracy(&data.test, &average));
    println!("consensus distance {:.3e}", consensus_distance(&models));
    Ok(())
}

/// How the machine is driven; both do the same.
#[derive(Clone, Copy)]
pub enum Drive {
    /// It calls a closure whenever it wants a gradient.
    Closure,
    /// The loop asks for the point and hands the gradient in, as after a `backward()`.
    Next,
}

/// Trains with a compiled schedule; returns the models of all ranks.
pub fn train(file: &[u8], data: &Data, drive: Drive) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let size = Schedule::decode(file)?.size();
    let rows = data.train.len();
    let models = local::spmd(size, |transport| {
        let rank = transport.rank();
        let (index, ranks) = (rank.index(), size as usize);
        let own = &data.train[index * rows / ranks..(index + 1) * rows / ranks];
        let schedule = RankSchedule::decode(file, rank).map_err(|error| error.to_string())?;
        run_rank(schedule, transport, own, ranks as f64 / rows as f64, drive)
            .map_err(|error| error.to_string())
    });
    Ok(models.map_err(|error| error.to_string())?)
}

fn run_rank(
    schedule: RankSchedule,
    transport: local::LocalTransport,
    rows: &[Row],
    factor: f64,
    drive: Drive,
) -> Result<Vec<f64>, RuntimeError> {
    let initial = vec![0.0; (PIXELS + 1) * CLASSES];
    let mut machine = Flat::<f64, _>::new(schedule, transport, &initial)?;
    match drive {
        Drive::Closure => {
            for _ in 0..STEPS {
                machine.step(&mut |ask: FlatAsk<'_, f64>| match ask {
                    Ask::Gradient { point, gradient: into } => {
                        into.copy_from_slice(&gradient(rows, factor, point))
                    }
                    Ask::Adapt { point, .. } => {
                        let along = gradient(rows, factor, point);
                        point.iter_mut().zip(along).for_each(|(w, g)| *w -= 0.5 * g);
                    }
                    Ask::Prox { .. } => unreachable!("the examples say `grad` and `adapt`"),
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

/// Reads, shuffles, splits and scales the digits.
pub fn read_digits() -> Result<Data, Box<dyn Error>> {
    let row = |line: &str| -> Result<Row, Box<dyn Error>> {
        let numbers: Vec<f64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (&digit, pixels) = numbers.split_last().ok_or("an empty line")?;
        Ok((pixels.try_into()?, digit as usize))
    };
    let mut rows: Vec<Row> = DIGITS.lines().map(row).collect::<Result<_, _>>()?;
    shuffle(&mut rows, 0, 0);
    let mut train = rows.split_off(rows.len() / 5);
    scale(&mut train, &mut rows);
    Ok(Data { train, test: rows })
}

/// Gives every pixel of the training set mean 0 and deviation 1.
fn scale(train: &mut [Row], test: &mut [Row]) {
    let count = train.len() as f64;
    for j in 0..PIXELS {
        let mean = train.iter().map(|(pixels, _)| pixels[j]).sum::<f64>() / count;
        let variance =
            train.iter().map(|(pixels, _)| (pixels[j] - mean) * (pixels[j] - mean)).sum::<f64>() / count;
        let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        for (pixels, _) in train.iter_mut().chain(test.iter_mut()) {
            pixels[j] = (pixels[j] - mean) / deviation;
        }
    }
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

/// The loss of rows that count `factor` each.
pub fn loss(rows: &[Row], factor: f64, model: &[f64]) -> f64 {
    let of_row = |(pixels, digit): &Row| {
        let logits = logits(model, pixels);
        softmax(logits).1 - logits[*digit]
    };
    factor * rows.iter().map(of_row).sum::<f64>() + L2 / 2.0 * model.iter().map(|w| w * w).sum::<f64>()
}

fn gradient(rows: &[Row], factor: f64, model: &[f64]) -> Vec<f64> {
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

/// The share of rows that get their digit.
pub fn accuracy(rows: &[Row], model: &[f64]) -> f64 {
    let right = rows.iter().filter(|(pixels, digit)| {
        let logits = logits(model, pixels);
        logits.iter().all(|&logit| logit <= logits[*digit])
    });
    right.count() as f64 / rows.len() as f64
}

/// The mean of the ranks' models.
pub fn mean(models: &[Vec<f64>]) -> Vec<f64> {
    let column = |j: usize| models.iter().map(|model| model[j]).sum::<f64>() / models.len() as f64;
    (0..models[0].len()).map(column).collect()
}

/// How far the ranks' models are from their mean.
fn consensus_distance(models: &[Vec<f64>]) -> f64 {
    let mean = mean(models);
    let square = |model: &Vec<f64>| model.iter().zip(&mean).map(|(w, m)| (w - m) * (w - m)).sum::<f64>();
    (models.iter().map(square).sum::<f64>() / models.len() as f64).sqrt()
}
