//! What each instruction queues.

use super::super::exchange::Flying;
use super::{Answer, GpuAsk, GpuMachine};
use crate::expression::{Scope, scalar};
use crate::gpu::{GpuError, Link, Vector};
use crate::plan::Plan;
use bfc_schedule::program::{Expression, Instruction, Operator, Shape, Transfer};

impl<L: Link> GpuMachine<L> {
    pub(super) fn run(&mut self, block: &[Instruction], answer: &mut Answer<'_>) -> Result<(), GpuError> {
        block.iter().try_for_each(|instruction| self.instruction(instruction, answer))
    }

    fn instruction(&mut self, instruction: &Instruction, answer: &mut Answer<'_>) -> Result<(), GpuError> {
        match instruction {
            Instruction::Parameters { into } => self.parameters(into.0 as usize),
            Instruction::Compute { into, expression } => self.compute(into.0 as usize, expression),
            Instruction::Exchange { operator, transfers } => {
                let flying = self.begin(*operator, transfers)?;
                flying.into_iter().try_for_each(|flying| self.finish(flying))
            }
            Instruction::Begin { flight, operator, transfers } => {
                let flying = self.begin(*operator, transfers)?;
                self.flights.insert(*flight, flying);
                Ok(())
            }
            Instruction::Finish { flight } => {
                let flying = self.flights.remove(flight).unwrap_or_default();
                flying.into_iter().try_for_each(|flying| self.finish(flying))
            }
            Instruction::Gradient { .. } | Instruction::Adapt { .. } | Instruction::Prox { .. } => {
                self.ask(instruction, answer)
            }
            Instruction::Swap(a, b) => {
                self.registers.swap(a.0 as usize, b.0 as usize);
                Ok(())
            }
            Instruction::Dot { a, b, into } => {
                let product = self.dot(a.0 as usize, b.0 as usize)?;
                self.registers.scalars[into.0 as usize] = product;
                Ok(())
            }
            Instruction::Degree { topology, into } => {
                let degree = self.plan(*topology).1.degree();
                self.registers.scalars[into.0 as usize] = degree as f64;
                Ok(())
            }
            Instruction::Gather { from, into } => self.gather(from.0 as usize, into.0 as usize),
            Instruction::Encode { from, into } => self.encode(from.0 as usize, into.0 as usize),
            Instruction::Decode { from, into } => self.decode(from.0 as usize, into.0 as usize),
            Instruction::Start { into } => self.start(into.0 as usize),
            Instruction::Project { from, factor, into } => {
                self.project([from, factor, into].map(|register| register.0 as usize))
            }
            Instruction::Difference { mine, theirs, into } => {
                self.difference([mine, theirs, into].map(|register| register.0 as usize))
            }
            Instruction::Correct { at, factor, difference, into } => {
                self.correct([at, factor, difference, into].map(|register| register.0 as usize))
            }
        }
    }

    /// The number of the present phase of a topology, and its rounds.
    pub(super) fn plan(&self, topology: u32) -> (usize, &Plan) {
        let phases = &self.plans[topology as usize];
        let phase = (self.phase % phases.len() as u64) as usize;
        (phase, &phases[phase])
    }

    fn parameters(&mut self, into: usize) -> Result<(), GpuError> {
        for (vector, memory) in self.registers.vectors[into].iter().zip(&self.exchanger.parameters) {
            // SAFETY: both are as many bytes, and live as long as the machine.
            unsafe { self.stream.copy(vector.address, memory.address(), vector.bytes())? };
        }
        Ok(())
    }

    fn compute(&mut self, into: usize, expression: &Expression) -> Result<(), GpuError> {
        let Self { program, registers, kernels, stream, inputs, step, layout, .. } = self;
        let (inputs, step) = (&inputs[..], *step);
        match program.registers[into] {
            Shape::Scalar => {
                let scope = Scope { scalars: &registers.scalars, inputs, step };
                registers.scalars[into] = scalar(expression, &scope);
            }
            Shape::EdgeScalar => {
                for edge in 0..registers.edge_scalars[into].len() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    registers.edge_scalars[into][edge] = scalar(expression, &scope);
                }
            }
            shape => {
                for (index, bucket) in layout.buckets().iter().enumerate() {
                    let assignment = kernels.text().assignment(into, bucket.dtype, expression);
                    let edges = match shape {
                        Shape::EdgeVector => registers.vectors[into][index].length / bucket.length.max(1),
                        _ => 1,
                    };
                    for edge in 0..edges {
                        let scalars = registers.scalars_at(edge);
                        let scalars = if shape == Shape::EdgeVector { &scalars } else { &registers.scalars };
                        let scope = Scope { scalars, inputs, step };
                        let elements = edge * bucket.length..(edge + 1) * bucket.length;
                        let vector = |register: usize, per_edge: bool| {
                            let vector = registers.vectors[register][index];
                            if per_edge { vector.part(elements.clone()) } else { vector }
                        };
                        let target = vector(into, shape == Shape::EdgeVector);
                        // SAFETY: registers have their memory as long as the machine lives.
                        unsafe { kernels.assign(stream, assignment, target, vector, &scope)? };
                    }
                }
            }
        }
        Ok(())
    }

    fn dot(&mut self, a: usize, b: usize) -> Result<f64, GpuError> {
        self.exchanger.wait()?;
        let mut products = vec![];
        for tensor in 0..self.layout.tensors().len() {
            let place = self.layout.place(tensor);
            let [x, y] = [a, b]
                .map(|register| self.registers.vectors[register][place.bucket].part(place.elements.clone()));
            // SAFETY: registers have their memory as long as the machine lives.
            products.push(unsafe { self.kernels.dot(&self.stream, x, y, &mut self.room)? });
        }
        Ok(products.into_iter().sum())
    }

    fn gather(&mut self, from: usize, into: usize) -> Result<(), GpuError> {
        if self.program.registers[from] != Shape::EdgeVector {
            self.registers.scalars[into] = self.registers.edge_scalars[from].iter().sum();
            return Ok(());
        }
        for (from, into) in self.registers.vectors[from].iter().zip(&self.registers.vectors[into]) {
            let count = from.length / into.length.max(1);
            let first = Vector { length: into.length, ..*from };
            // SAFETY: registers have their memory as long as the machine lives.
            unsafe { self.kernels.gather(&self.stream, *into, first, count)? };
        }
        Ok(())
    }

    fn encode(&mut self, from: usize, into: usize) -> Result<(), GpuError> {
        for (x, (code, coding)) in self.registers.vectors[from].iter().zip(&self.registers.codes[into]) {
            let of = (self.step, self.rank.0);
            // SAFETY: registers have their memory as long as the machine lives; what the vector is read into, too.
            unsafe {
                let x = self.exchanger.computed(&self.kernels, &self.stream, *x)?;
                self.kernels.encode(&self.stream, coding, x, of, code.address(), &mut self.room)?;
            }
        }
        Ok(())
    }

    fn decode(&mut self, from: usize, into: usize) -> Result<(), GpuError> {
        for ((code, coding), x) in self.registers.codes[from].iter().zip(&self.registers.vectors[into]) {
            // SAFETY: as in `encode`.
            unsafe {
                let read = self.exchanger.read_into(*x)?;
                self.kernels.decode(&self.stream, coding, code.address(), self.step, read, &mut self.room)?;
                if read.address != x.address {
                    self.kernels.convert(&self.stream, *x, read)?;
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, instruction: &Instruction, answer: &mut Answer<'_>) -> Result<(), GpuError> {
        if self.is_asked_on_host {
            self.exchanger.wait()?;
        }
        let vectors = &self.registers.vectors;
        let result = match instruction {
            Instruction::Gradient { at, into } => {
                let (point, gradient) = (&vectors[at.0 as usize], &vectors[into.0 as usize]);
                answer(GpuAsk::Gradient { point, gradient }, &self.stream)
            }
            Instruction::Adapt { at, direction, into } => {
                let point = &vectors[into.0 as usize];
                if at != into {
                    for (from, to) in vectors[at.0 as usize].iter().zip(point) {
                        // SAFETY: registers have their memory as long as the machine lives.
                        unsafe { self.kernels.convert(&self.stream, *to, *from)? };
                    }
                }
                let direction = direction.map(|direction| &vectors[direction.0 as usize][..]);
                answer(GpuAsk::Adapt { point, direction }, &self.stream)
            }
            Instruction::Prox { at, rho, into } => {
                let (point, minimizer) = (&vectors[at.0 as usize], &vectors[into.0 as usize]);
                let rho = self.registers.scalars[rho.0 as usize];
                answer(GpuAsk::Prox { point, rho, minimizer }, &self.stream)
            }
            _ => Ok(()),
        };
        result.map_err(|error| GpuError::Trainer { reason: error.to_string() })
    }

    /// Begins an exchange of all buckets.
    fn begin(&mut self, operator: Operator, transfers: &[Transfer]) -> Result<Vec<Flying>, GpuError> {
        let phase = operator.topology().map_or(0, |topology| self.plan(topology).0);
        let mut flying = vec![];
        for bucket in 0..self.layout.buckets().len() {
            let Self { exchanger, registers, plans, kernels, stream, room, step, .. } = self;
            let plan = operator.topology().map(|topology| &plans[topology as usize][phase]);
            let context = (&*kernels, &*stream, room);
            flying.push(exchanger.begin(
                operator,
                (plan, phase),
                transfers,
                registers,
                bucket,
                *step,
                context,
            )?);
        }
        Ok(flying)
    }

    pub(super) fn finish(&mut self, flying: Flying) -> Result<(), GpuError> {
        let Self { exchanger, registers, plans, kernels, stream, room, .. } = self;
        exchanger.finish(flying, plans, registers, (kernels, stream, room))
    }
}
