//! How a machine moves: up to a question, past its answer, and from block to block.

use super::{At, Machine};
use crate::error::RuntimeError;
use crate::execute::{Block, Question, Surroundings};
use crate::expression::Scope;
use crate::registers::Registers;
use crate::trace::{Cause, What};
use crate::transport::Transport;
use std::error::Error;

/// Answers a question: writes to the register where the answer goes.
pub(super) type Answerer<'a> =
    &'a mut dyn FnMut(Question, &mut Registers) -> Result<(), Box<dyn Error + Send + Sync>>;

impl<X: Transport + Send + 'static> Machine<X> {
    /// Runs on to the next question, which it returns, or to the end of the current block.
    pub(super) fn advance(&mut self) -> Result<Option<Question>, RuntimeError> {
        let (block, from, mut surroundings) = match self.surroundings() {
            Some(surroundings) => surroundings,
            None => return Ok(None),
        };
        let stop = surroundings.run(block, from)?;
        let exchanges = block.exchanges;
        match (stop, &mut self.at) {
            (Some((at, question)), At::Initial(from) | At::Step(_, from)) => {
                *from = at;
                if !std::mem::replace(&mut self.asked, true) {
                    self.lane.recorder().note_here(What::Asked(question.asked()));
                }
            }
            (None, At::Step(..)) => {
                self.at = At::Rest;
                self.lane.recorder().note_here(What::StepEnded);
                self.deadline.step_ended();
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

    /// The present block, where it stands, and what it runs in.
    fn surroundings(&mut self) -> Option<(&Block, usize, Surroundings<'_, X>)> {
        let rank = self.rank;
        let Self { executable, lane, registers, flights, inputs, initial, clock, deadline, .. } = self;
        let (block, from): (&Block, usize) = match self.at {
            At::Initial(from) => (&executable.initial, from),
            At::Step(block, from) => (&executable.steps[block], from),
            At::Rest => return None,
        };
        let (clock, deadline) = (*clock, deadline.get());
        Some((
            block,
            from,
            Surroundings { executable, rank, clock, deadline, inputs, initial, registers, lane, flights },
        ))
    }

    /// Runs on to the next question, through the initial block and into a step; `None` where a whole step asks nothing,
    /// which then has not begun.
    pub(super) fn question(&mut self) -> Result<Option<Question>, RuntimeError> {
        if let Some(question) = self.advance()? {
            return Ok(Some(question));
        }
        let block = self.select();
        if !self.executable.steps[block].asks() {
            return Ok(None);
        }
        self.begin(block);
        self.advance()
    }

    fn select(&self) -> usize {
        let scope = Scope { scalars: &self.registers.scalars, inputs: &self.inputs, step: self.clock.step };
        self.executable.select(&scope)
    }

    fn begin(&mut self, block: usize) {
        self.at = At::Step(block, 0);
        self.clock.begun = true;
        self.lane.recorder().set_step(self.clock.step);
        self.lane.recorder().note_here(What::StepBegan);
    }

    pub(super) fn whole_step(&mut self, answer: Answerer<'_>) -> Result<(), RuntimeError> {
        let before = self.clock.step;
        while self.clock.step == before {
            match self.advance()? {
                Some(question) => {
                    if let Err(source) = answer(question, &mut self.registers) {
                        let (rank, step) = (self.rank, self.clock.step);
                        self.lane.recorder().note_here(What::Failed(Cause::Trainer));
                        self.lane.recorder().sync();
                        let reason = format!("its trainer failed in step {step}: {source}");
                        self.lane.wire().transport.abandon(&reason);
                        return Err(RuntimeError::Trainer { rank, step, source });
                    }
                    self.skip();
                }
                None if self.clock.step == before => {
                    let block = self.select();
                    self.begin(block);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Goes on past the question, which `answer` answers; `true` where a step is complete.
    pub(super) fn answer_question(
        &mut self,
        answer: impl FnOnce(Question, &mut Registers),
    ) -> Result<bool, RuntimeError> {
        let before = self.clock.step;
        match self.question()? {
            Some(question) => {
                answer(question, &mut self.registers);
                self.skip();
            }
            None => {
                let block = self.select();
                self.begin(block);
            }
        }
        self.advance()?;
        Ok(self.clock.step > before)
    }

    /// Does what follows the question for one bucket, as far as that needs no other: computes, and begins the exchange.
    pub(super) fn ahead_of_others(&mut self, bucket: usize) {
        if let Some((block, from, mut surroundings)) = self.surroundings() {
            surroundings.ahead(block, from, bucket);
        }
    }

    /// The question has been answered, bucket by bucket.
    pub(super) fn all_ready(&mut self) -> Result<bool, RuntimeError> {
        let before = self.clock.step;
        self.answered();
        if let Some((block, from, mut surroundings)) = self.surroundings() {
            let past = surroundings.join(block, from)?;
            if let At::Initial(at) | At::Step(_, at) = &mut self.at {
                *at = past;
            }
        }
        self.advance()?;
        Ok(self.clock.step > before)
    }

    /// The question has been answered.
    fn skip(&mut self) {
        self.answered();
        match &mut self.at {
            At::Initial(at) | At::Step(_, at) => *at += 1,
            At::Rest => {}
        }
    }

    fn answered(&mut self) {
        self.asked = false;
        self.lane.recorder().note_here(What::Answered);
    }

    pub(super) fn compute_model(&mut self) -> Result<(), RuntimeError> {
        if matches!(self.at, At::Step(..)) && !self.model_is_state() {
            return Err(RuntimeError::MidStep { step: self.clock.step });
        }
        self.land()?;
        let Self { executable, registers, inputs, clock, rank, .. } = self;
        executable.model.run_local(registers, inputs, clock.step, *rank);
        Ok(())
    }
}
