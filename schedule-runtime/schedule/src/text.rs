//! A program as text that a person can read. One way only: files are read by [`format`](crate::format).

use crate::Program;
use crate::program::{Block, Expression, Instruction, Operation, Operator, Register, Shape, Transfer};
use std::fmt::Write;

/// Longer expressions are shown in postfix form.
const LONGEST_INFIX: usize = 200;

/// The text of a program that mixes over topologies of these names. A register that holds a state bears its name,
/// others are `%0`, `%1`, ….
pub fn program(program: &Program, topologies: &[&str]) -> String {
    let names = Names { program, topologies };
    let mut text = format!("algorithm {}\n", program.name);
    for input in &program.inputs {
        let _ = writeln!(text, "input {} = {}", input.name, input.default);
    }
    for (state, register) in &program.states {
        let _ = writeln!(text, "state {state}: {}", names.shape(*register));
    }
    for (number, condition) in program.conditions.iter().enumerate() {
        let _ = writeln!(text, "condition {number}: {}", names.expression(condition));
    }
    names.block(&mut text, "initial", &program.initial);
    for (number, step) in program.steps.iter().enumerate() {
        names.block(&mut text, &title(number, program.conditions.len()), step);
    }
    names.block(&mut text, "model", &program.model);
    let _ = writeln!(text, "    return {}", names.register(program.model_register));
    text
}

/// What selects the step block of that number.
fn title(number: usize, conditions: usize) -> String {
    let value = |condition| match number >> condition & 1 {
        0 => format!("not {condition}"),
        _ => format!("{condition}"),
    };
    let values: Vec<String> = (0..conditions.min(usize::BITS as usize)).map(value).collect();
    if values.is_empty() { "step".into() } else { format!("step if {}", values.join(", ")) }
}

struct Names<'a> {
    program: &'a Program,
    topologies: &'a [&'a str],
}

impl Names<'_> {
    fn register(&self, register: Register) -> String {
        match self.program.states.iter().find(|(_, held)| *held == register) {
            Some((state, _)) => state.clone(),
            None => format!("%{}", register.0),
        }
    }

    fn registers(&self, registers: impl Iterator<Item = Register>) -> String {
        registers.map(|register| self.register(register)).collect::<Vec<_>>().join(", ")
    }

    fn shape(&self, register: Register) -> &'static str {
        self.program.registers.get(register.0 as usize).map_or("vector", |shape| shape.name())
    }

    fn topology(&self, index: u32) -> String {
        self.topologies.get(index as usize).map_or(index.to_string(), |name| name.to_string())
    }

    fn block(&self, text: &mut String, title: &str, block: &Block) {
        let _ = writeln!(text, "{title}:");
        for instruction in block {
            let _ = writeln!(text, "    {}", self.instruction(instruction));
        }
    }

    fn instruction(&self, instruction: &Instruction) -> String {
        let name = |register: &Register| self.register(*register);
        match instruction {
            Instruction::Parameters { into } => format!("{} = parameters", name(into)),
            Instruction::Compute { into, expression } => {
                format!("{} = {}", name(into), self.expression(expression))
            }
            Instruction::Exchange { operator, transfers } => self.exchange(*operator, transfers),
            Instruction::Begin { flight, operator, transfers } => {
                format!("begin {}: {}", flight.0, self.exchange(*operator, transfers))
            }
            Instruction::Finish { flight } => format!("finish {}", flight.0),
            Instruction::Gradient { at, into } => format!("{} = gradient({})", name(into), name(at)),
            Instruction::Adapt { at, direction: None, into } => {
                format!("{} = adapt({})", name(into), name(at))
            }
            Instruction::Adapt { at, direction: Some(direction), into } => {
                format!("{} = adapt({}, {})", name(into), name(at), name(direction))
            }
            Instruction::Swap(a, b) => format!("swap {}, {}", name(a), name(b)),
            Instruction::Prox { at, rho, into } => {
                format!("{} = prox({}, {})", name(into), name(at), name(rho))
            }
            Instruction::Dot { a, b, into } => format!("{} = dot({}, {})", name(into), name(a), name(b)),
            Instruction::Degree { topology, into } => {
                format!("{} = degree in {}", name(into), self.topology(*topology))
            }
            Instruction::Gather { from, into } => {
                format!("{} = sum over edges of {}", name(into), name(from))
            }
            Instruction::Encode { from, into } => {
                let codec = match self.program.registers.get(into.0 as usize) {
                    Some(Shape::Code(codec)) => codec.to_string(),
                    _ => "encode".to_owned(),
                };
                format!("{} = {codec} of {}", name(into), name(from))
            }
            Instruction::Decode { from, into } => format!("{} = decode {}", name(into), name(from)),
            Instruction::Start { into } => format!("{} = drawn factors", name(into)),
            Instruction::Project { from, factor, into } => {
                format!("{} = {} along {}", name(into), name(from), name(factor))
            }
            Instruction::Difference { mine, theirs, into } => {
                format!("{} = difference of {} and {}", name(into), name(mine), name(theirs))
            }
            Instruction::Correct { at, factor, difference, into } => {
                let (at, factor, difference) = (name(at), name(factor), name(difference));
                format!("{} = {at} corrected along {factor} by {difference}", name(into))
            }
        }
    }

    fn exchange(&self, operator: Operator, transfers: &[Transfer]) -> String {
        let over = operator.topology().map_or(String::new(), |index| self.topology(index));
        let operator = match operator {
            Operator::Mix(_) => format!("mix over {over} "),
            Operator::Others(_) => format!("others' part of mix over {over} "),
            Operator::Own(_) => format!("own part of mix over {over} "),
            Operator::Incoming(_) => format!("incoming over {over} "),
            Operator::Back => format!("back over {over} "),
            Operator::Average => "average".to_owned(),
        };
        let into = self.registers(transfers.iter().map(|transfer| transfer.into));
        let from = self.registers(transfers.iter().map(|transfer| transfer.from));
        format!("{into} = {operator}({from})")
    }

    fn expression(&self, expression: &Expression) -> String {
        let infix = (expression.len() <= LONGEST_INFIX).then(|| self.infix(expression)).flatten();
        infix.unwrap_or_else(|| {
            let words: Vec<String> = expression.iter().map(|operation| self.operand(operation)).collect();
            format!("postfix {}", words.join(" "))
        })
    }

    /// The expression with brackets around every nested operation; `None` if it is not well formed.
    fn infix(&self, expression: &Expression) -> Option<String> {
        let mut stack: Vec<(String, bool)> = vec![];
        let bracketed = |(text, compound): (String, bool)| if compound { format!("({text})") } else { text };
        for operation in expression {
            let symbol = self.operand(operation);
            let shown = match operation.arity() {
                0 => (symbol, false),
                1 => {
                    let operand = stack.pop()?;
                    match operation {
                        Operation::Negate => (format!("-{}", bracketed(operand)), true),
                        Operation::Not => (format!("not {}", bracketed(operand)), true),
                        _ => (format!("{symbol}({})", operand.0), false),
                    }
                }
                _ => {
                    let (right, left) = (stack.pop()?, stack.pop()?);
                    match operation {
                        Operation::Minimum | Operation::Maximum | Operation::Random => {
                            (format!("{symbol}({}, {})", left.0, right.0), false)
                        }
                        _ => (format!("{} {symbol} {}", bracketed(left), bracketed(right)), true),
                    }
                }
            };
            stack.push(shown);
        }
        let value = stack.pop()?;
        stack.is_empty().then_some(value.0)
    }

    /// An operand or the symbol of an operation.
    fn operand(&self, operation: &Operation) -> String {
        match operation {
            Operation::Register(register) => self.register(*register),
            Operation::Input(input) => match self.program.inputs.get(*input as usize) {
                Some(input) => input.name.clone(),
                None => format!("input {input}"),
            },
            Operation::Constant(constant) => constant.to_string(),
            other => symbol(other).to_owned(),
        }
    }
}

fn symbol(operation: &Operation) -> &'static str {
    match operation {
        Operation::Step => "t",
        Operation::Negate | Operation::Subtract => "-",
        Operation::Not => "not",
        Operation::SquareRoot => "sqrt",
        Operation::Log => "log",
        Operation::Absolute => "abs",
        Operation::Floor => "floor",
        Operation::Add => "+",
        Operation::Multiply => "*",
        Operation::Divide => "/",
        Operation::Power => "^",
        Operation::Minimum => "min",
        Operation::Maximum => "max",
        Operation::Mod => "mod",
        Operation::Div => "div",
        Operation::Equal => "==",
        Operation::NotEqual => "!=",
        Operation::Less => "<",
        Operation::LessEqual => "<=",
        Operation::Greater => ">",
        Operation::GreaterEqual => ">=",
        Operation::And => "and",
        Operation::Or => "or",
        Operation::Random => "random",
        Operation::Register(_) | Operation::Input(_) | Operation::Constant(_) => "",
    }
}
