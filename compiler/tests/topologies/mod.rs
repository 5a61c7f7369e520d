//! The topologies of the library against published values, closed forms and independent constructions of their matrices.

mod base_graph;
mod coherence;
mod combined;
mod consensus;
mod dense;
mod dynamic;
mod fixed;
mod machines;
mod numbers;
mod random;
