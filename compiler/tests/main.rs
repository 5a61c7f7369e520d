//! The tests of the compiler through its public interface, as one program.

mod algorithm;
mod algorithm_examples;
mod candidate;
mod certificate;
mod combinations;
mod library;
mod lower;
mod lower_program;
mod mutations;
mod optimise;
mod overview;
mod programs;
mod quadratic;
mod reference;
mod remedies;
mod stable;
mod structure;
mod suggestions;
mod topologies;
mod values;
