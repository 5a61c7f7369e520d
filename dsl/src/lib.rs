//! The `.bf` language: text to syntax tree and back. No meaning in it.

pub mod tree;
