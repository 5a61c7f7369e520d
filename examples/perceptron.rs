//! A trainer with several tensors of several number types: a multilayer perceptron for handwritten digits, which sends the
//! gradients of its last layer while it computes those of the first.
//!
//! ```console
//! bfc compile examples/digits.bf --size 4 -o sched.bin
//! cargo run --release --example perceptron -- sched.bin              # a thread for each rank
//! bfc launch -n 4 -- target/release/examples/perceptron sched.bin    # a process for each rank, with the same bits
//! ```
//!
//! The digits are those of `bfc run`. Rank i trains on every size-th row from row i on.

use bfc_runtime::world::WorldError;
use bfc_runtime::{
    Dtype, Layout, Machine, RuntimeError, Tensor, Transport, Values, ValuesMut, Wanted, World, local,
};
use bfc_schedule::random::{shuffle, substream, unit};
use bfc_schedule::{RankSchedule, Schedule};
use std::error::Error;
use std::time::Duration;

const DIGITS: &str = include_str!("data/digits.csv");
const PIXELS: usize = 64;
const HIDDEN: usize = 32;
const CLASSES: usize = 10;
const STEPS: u64 = 200;
const RATE: f32 = 0.5;

/// The tensors by index.
const HIDDEN_WEIGHT: usize = 0;
const HIDDEN_BIAS: usize = 1;
const OUTPUT_WEIGHT: usize = 2;
const OUTPUT_BIAS: usize = 3;

type Row = ([f32; PIXELS], usize);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path] = &arguments[..] else { return Err("usage: perceptron SCHEDULE".into()) };
    let file = std::fs::read(path)?;
    let (train, test) = read_digits()?;
    let tell = |rank: u32, model: &Model| {
        println!("rank {rank}: test accuracy {:.4}, digest {:016x}", model.accuracy(&test), model.digest());
    };
    match World::from_environment() {
        Ok(world) => {
            let schedule = RankSchedule::decode(&file, world.rank())?;
            let model = one_rank(schedule, world.join(Duration::from_secs(60))?, &train)?;
            tell(world.rank().0, &model);
        }
        Err(WorldError::NoLauncher) => {
            (0..).zip(&on_threads(&file, &train)?).for_each(|(rank, model)| tell(rank, model));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Trains with a thread for each rank; returns their models.
pub fn on_threads(file: &[u8], train: &[Row]) -> Result<Vec<Model>, Box<dyn Error>> {
    let size = Schedule::decode(file)?.size();
    let models = local::spmd(size, |transport| {
        let schedule = RankSchedule::decode(file, transport.rank()).map_err(|error| error.to_string())?;
        one_rank(schedule, transport, train).map_err(|error| error.to_string())
    });
    Ok(models.map_err(|error| error.to_string())?)
}

/// The model's tensors. The large ones of real models are stored in `bf16` or `f16`; a bias may need more digits.
fn layout() -> Layout {
    let tensor =
        |name: &str, shape: &[usize], dtype| Tensor { name: name.into(), shape: shape.to_vec(), dtype };
    let tensors = vec![
        tensor("hidden.weight", &[HIDDEN, PIXELS], Dtype::F32),
        tensor("hidden.bias", &[HIDDEN], Dtype::F32),
        tensor("output.weight", &[CLASSES, HIDDEN], Dtype::Bf16),
        tensor("output.bias", &[CLASSES], Dtype::F64),
    ];
    Layout::new(tensors)
}

/// Trains one rank; returns its model.
pub fn one_rank<X: Transport + Send + 'static>(
    schedule: RankSchedule,
    transport: X,
    train: &[Row],
) -> Result<Model, RuntimeError> {
    let (rank, size) = (schedule.rank.index(), schedule.size as usize);
    let rows: Vec<&Row> = train.iter().skip(rank).step_by(size).collect();
    let mut machine = Machine::new(schedule, transport, layout(), |values| Model::initial().write(values))?;
    // Gradients and adapted points go to the buckets of the last layer first: the runtime sends them meanwhile.
    let layout = machine.layout().clone();
    let bucket = |tensor: usize| layout.place(tensor).bucket;
    while machine.steps() < STEPS {
        let wanted = machine.wanted()?.expect("the algorithm asks for gradients or steps");
        let model = Model::read(&machine.point()?);
        let forward = model.forward(&rows);
        let output = model.output_gradient(&forward);
        let mut answer = machine.answer()?;
        model.answer(wanted, OUTPUT_BIAS, &output.bias, &mut answer);
        model.answer(wanted, OUTPUT_WEIGHT, &output.weight, &mut answer);
        machine.ready(bucket(OUTPUT_BIAS))?;
        machine.ready(bucket(OUTPUT_WEIGHT))?;
        let hidden = model.hidden_gradient(&rows, &forward);
        let mut answer = machine.answer()?;
        model.answer(wanted, HIDDEN_BIAS, &hidden.bias, &mut answer);
        model.answer(wanted, HIDDEN_WEIGHT, &hidden.weight, &mut answer);
        machine.ready(bucket(HIDDEN_WEIGHT))?;
    }
    Ok(Model::read(&machine.model()?))
}

/// The parameters, in the type that they are computed in here.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    hidden_weight: Vec<f32>,
    hidden_bias: Vec<f32>,
    output_weight: Vec<f32>,
    output_bias: Vec<f32>,
}

/// The gradient of one layer.
struct Layer {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// What the backward pass needs: for each row the activations, and the probabilities less the truth.
struct Forward {
    activations: Vec<[f32; HIDDEN]>,
    residuals: Vec<[f32; CLASSES]>,
}

impl Model {
    /// The same on all ranks.
    fn initial() -> Self {
        let drawn = |tensor: u64, count: usize, inputs: usize| {
            let spread = (6.0 / inputs as f64).sqrt();
            (0..count as u64).map(|key| ((2.0 * unit(tensor, key) - 1.0) * spread) as f32).collect()
        };
        Self {
            hidden_weight: drawn(0, HIDDEN * PIXELS, PIXELS),
            hidden_bias: vec![0.0; HIDDEN],
            output_weight: drawn(1, CLASSES * HIDDEN, HIDDEN),
            output_bias: vec![0.0; CLASSES],
        }
    }

    fn read(values: &Values<'_>) -> Self {
        let read = |tensor: usize| values.to_f64(tensor).into_iter().map(|x| x as f32).collect();
        Self {
            hidden_weight: read(HIDDEN_WEIGHT),
            hidden_bias: read(HIDDEN_BIAS),
            output_weight: read(OUTPUT_WEIGHT),
            output_bias: read(OUTPUT_BIAS),
        }
    }

    fn write(&self, values: &mut ValuesMut<'_>) {
        for tensor in [HIDDEN_WEIGHT, HIDDEN_BIAS, OUTPUT_WEIGHT, OUTPUT_BIAS] {
            write(values, tensor, self.tensor(tensor));
        }
    }

    fn tensor(&self, tensor: usize) -> &[f32] {
        [&self.hidden_weight, &self.hidden_bias, &self.output_weight, &self.output_bias][tensor]
    }

    /// Answers with a gradient, or with the point after a step of gradient descent.
    fn answer(&self, wanted: Wanted, tensor: usize, gradient: &[f32], values: &mut ValuesMut<'_>) {
        match wanted {
            Wanted::Gradient => write(values, tensor, gradient),
            Wanted::Adapted => {
                let stepped = self.tensor(tensor).iter().zip(gradient).map(|(x, g)| x - RATE * g);
                write(values, tensor, &stepped.collect::<Vec<_>>());
            }
            Wanted::Minimizer { .. } => panic!("this trainer minimizes nothing"),
        }
    }

    fn activations(&self, pixels: &[f32; PIXELS]) -> [f32; HIDDEN] {
        let weights = self.hidden_weight.chunks_exact(PIXELS);
        let mut activations = [0.0; HIDDEN];
        for ((activation, weights), bias) in activations.iter_mut().zip(weights).zip(&self.hidden_bias) {
            *activation = (dot(weights, pixels) + bias).max(0.0);
        }
        activations
    }

    fn logits(&self, activations: &[f32; HIDDEN]) -> [f32; CLASSES] {
        let weights = self.output_weight.chunks_exact(HIDDEN);
        let mut logits = [0.0; CLASSES];
        for ((logit, weights), bias) in logits.iter_mut().zip(weights).zip(&self.output_bias) {
            *logit = dot(weights, activations) + bias;
        }
        logits
    }

    fn forward(&self, rows: &[&Row]) -> Forward {
        let activations: Vec<_> = rows.iter().map(|(pixels, _)| self.activations(pixels)).collect();
        let residual = |(activations, row): (&[f32; HIDDEN], &&Row)| {
            let logits = self.logits(activations);
            let largest = logits.into_iter().fold(f32::NEG_INFINITY, f32::max);
            let powers = logits.map(|logit| (logit - largest).exp());
            let sum: f32 = powers.iter().sum();
            let mut residual = powers.map(|power| power / sum);
            residual[row.1] -= 1.0;
            residual
        };
        let residuals = activations.iter().zip(rows).map(residual).collect();
        Forward { activations, residuals }
    }

    fn output_gradient(&self, Forward { activations, residuals }: &Forward) -> Layer {
        Layer::mean(residuals.iter().zip(activations), HIDDEN)
    }

    fn hidden_gradient(&self, rows: &[&Row], Forward { activations, residuals }: &Forward) -> Layer {
        let back = |(activations, residual): (&[f32; HIDDEN], &[f32; CLASSES])| {
            let mut back = [0.0; HIDDEN];
            for (weights, residual) in self.output_weight.chunks_exact(HIDDEN).zip(residual) {
                back.iter_mut().zip(weights).for_each(|(back, weight)| *back += weight * residual);
            }
            back.iter_mut().zip(activations).filter(|(_, a)| **a == 0.0).for_each(|(back, _)| *back = 0.0);
            back
        };
        let residuals: Vec<[f32; HIDDEN]> = activations.iter().zip(residuals).map(back).collect();
        Layer::mean(residuals.iter().zip(rows.iter().map(|(pixels, _)| pixels)), PIXELS)
    }

    /// Equal where all bits are.
    pub fn digest(&self) -> u64 {
        let tensors = [&self.hidden_weight, &self.hidden_bias, &self.output_weight, &self.output_bias];
        let bits = tensors.into_iter().flatten().map(|x| u64::from(x.to_bits()));
        bits.fold(0, |digest, bits| substream(digest, &[bits]))
    }

    /// The share of rows that get their digit.
    pub fn accuracy(&self, rows: &[Row]) -> f64 {
        let right = rows.iter().filter(|(pixels, digit)| {
            let logits = self.logits(&self.activations(pixels));
            logits.iter().all(|&logit| logit <= logits[*digit])
        });
        right.count() as f64 / rows.len() as f64
    }
}

impl Layer {
    /// The mean over rows of what a layer of so many inputs gets back and was given.
    fn mean<'a, const OUT: usize, const IN: usize>(
        rows: impl ExactSizeIterator<Item = (&'a [f32; OUT], &'a [f32; IN])>,
        inputs: usize,
    ) -> Self {
        let count = rows.len() as f32;
        let mut layer = Self { weight: vec![0.0; OUT * inputs], bias: vec![0.0; OUT] };
        for (back, given) in rows {
            for ((weights, bias), back) in
                layer.weight.chunks_exact_mut(inputs).zip(&mut layer.bias).zip(back)
            {
                *bias += back / count;
                weights.iter_mut().zip(given).for_each(|(weight, given)| *weight += back * given / count);
            }
        }
        layer
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Writes a tensor in whatever type it is stored: gradients come in the type that the runtime computes in.
fn write(values: &mut ValuesMut<'_>, tensor: usize, from: &[f32]) {
    values.write_f64(tensor, from.iter().map(|x| f64::from(*x)));
}

/// Reads and shuffles the digits; a fifth is kept apart.
pub fn read_digits() -> Result<(Vec<Row>, Vec<Row>), Box<dyn Error>> {
    let row = |line: &str| -> Result<Row, Box<dyn Error>> {
        let numbers: Vec<f32> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (&digit, pixels) = numbers.split_last().ok_or("an empty line")?;
        let pixels: [f32; PIXELS] = pixels.try_into()?;
        Ok((pixels.map(|pixel| pixel / 16.0), digit as usize))
    };
    let mut rows: Vec<Row> = DIGITS.lines().map(row).collect::<Result<_, _>>()?;
    shuffle(&mut rows, 0, 0);
    let train = rows.split_off(rows.len() / 5);
    Ok((train, rows))
}
