//! The tests of the command line, as one program.

mod advise;
mod bluefog;
mod combine;
mod commands;
mod common;
mod connect;
mod documents;
mod export;
mod gpus;
mod import;
mod launch;
mod long;
mod outputs;
mod pages;
mod pictures;
mod place;
mod predict;
mod refusals;
mod run;
mod screens;
mod simulated;
mod tools;
mod trace;
mod trainer;
mod untrusted;
mod usage;
