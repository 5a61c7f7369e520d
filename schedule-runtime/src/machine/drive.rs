//! How a machine moves: up to a question, past its answer, and from block to block.

use super::{Answer, Ask, At, Machine};
use crate::element::Element;
use crate::error::RuntimeError;
use crate::execute::{Block, Question, Surroundings};
use crate::expression::Scope;
use crate::registers::Registers;
use crate::transport::Transport;

impl<T: Element, X: Transport> Machine<T, X> {
    /// Runs on to the next question, which it returns, or to the end of the current block.
    pub(super) fn advance(
        &mut self,
        registers: &mut Registers<'_, T>,
    ) -> Result<Option<Question>, RuntimeError> {
        let Self { executable, wire, inputs, initial, clock, .. } = self;
        let (block, from): (&Block, usize) = match self.at {
            At::Initial(from) => (&executable.initial, from),
            At::Step(block, from) => (&executable.steps[block], from),
            At::Rest => return Ok(None),
        };
        let mut surroundings = Surroundings { wire, clock: *clock, inputs, initial };
        let stop = executable.run(block, from, registers, &mut surroundings)?;
        let exchanges = block.exchanges;
        match (stop, &mut self.at) {
            (Some((at, _)), At::Initial(from) | At::Step(_, from)) => *from = at,
            (None, At::Step(..)) => {
                self.at = At::Rest;
                self.clock.step += 1;
                self.clock.phase += exchanges as u64;
            }
            (_, at) => {
                *at = At::Rest;
                self.initial = vec![];
            }
        }
        Ok(stop.map(|(_, question)| question))
    }

    /// Runs on to the next question, through the initial block and into a step; `None` where a whole step asks nothing,
    /// which then has not begun.
    pub(super) fn question(
        &mut self,
        registers: &mut Registers<'_, T>,
    ) -> Result<Option<Question>, RuntimeError> {
        if let Some(question) = self.advance(registers)? {
            return Ok(Some(question));
        }
        let block = self.select(registers);
        if !self.executable.steps[block].asks() {
            return Ok(None);
        }
        self.begin(block);
        self.advance(registers)
    }

    fn select(&self, registers: &Registers<'_, T>) -> usize {
        let scope = Scope { scalars: &registers.scalars, inputs: &self.inputs, step: self.clock.step };
        self.executable.select(&scope)
    }

    fn begin(&mut self, block: usize) {
        self.at = At::Step(block, 0);
        self.clock.begun = true;
    }

    pub(super) fn whole_step<A: Answer>(
        &mut self,
        registers: &mut Registers<'_, T>,
        trainer: &mut impl FnMut(Ask<'_, T>) -> A,
    ) -> Result<(), RuntimeError> {
        let before = self.clock.step;
        while self.clock.step == before {
            match self.advance(registers)? {
                Some(question) => {
                    let result = ask(question, registers, trainer).into_result();
                    let (rank, step) = (self.rank(), self.clock.step);
                    if let Err(source) = result {
                        self.wire.transport.abandon(&format!("its trainer failed in step {step}: {source}"));
                        return Err(RuntimeError::Trainer { rank, step, source });
                    }
                    self.skip();
                }
                None if self.clock.step == before => {
                    let block = self.select(registers);
                    self.begin(block);
                }
                None => {}
            }
        }
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        registers: &mut Registers<'_, T>,
        answer: &[T],
    ) -> Result<bool, RuntimeError> {
        self.check_length(answer.len())?;
        let before = self.clock.step;
        match self.question(registers)? {
            Some(
                Question::Gradient { into, .. } | Question::Adapt { into, .. } | Question::Prox { into, .. },
            ) => {
                registers.vectors[into].copy_from_slice(answer);
                self.skip();
            }
            None => {
                let block = self.select(registers);
                self.begin(block);
            }
        }
        self.advance(registers)?;
        Ok(self.clock.step > before)
    }

    /// The question has been answered.
    fn skip(&mut self) {
        match &mut self.at {
            At::Initial(at) | At::Step(_, at) => *at += 1,
            At::Rest => {}
        }
    }

    pub(super) fn compute_model(&mut self, registers: &mut Registers<'_, T>) -> Result<(), RuntimeError> {
        if matches!(self.at, At::Step(..)) {
            return Err(RuntimeError::MidStep { step: self.clock.step });
        }
        self.executable.run_local(&self.executable.model, registers, &self.inputs, self.clock.step);
        Ok(())
    }
}

fn ask<T: Element, A>(
    question: Question,
    registers: &mut Registers<'_, T>,
    trainer: &mut impl FnMut(Ask<'_, T>) -> A,
) -> A {
    let vectors = &mut registers.vectors;
    match question {
        Question::Gradient { at, into } => {
            let mut gradient = std::mem::take(&mut vectors[into]);
            let answer = trainer(Ask::Gradient { point: &vectors[at], gradient: &mut gradient });
            vectors[into] = gradient;
            answer
        }
        Question::Adapt { at, direction, into } => {
            let mut point = std::mem::take(&mut vectors[into]);
            if at != into {
                point.copy_from_slice(&vectors[at]);
            }
            let direction = direction.map(|direction| &vectors[direction][..]);
            let answer = trainer(Ask::Adapt { point: &mut point, direction });
            vectors[into] = point;
            answer
        }
        Question::Prox { at, rho, into } => {
            let (mut minimizer, rho) = (std::mem::take(&mut vectors[into]), registers.scalars[rho]);
            let answer = trainer(Ask::Prox { point: &vectors[at], rho, minimizer: &mut minimizer });
            vectors[into] = minimizer;
            answer
        }
    }
}
