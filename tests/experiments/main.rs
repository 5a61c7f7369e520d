//! Experiments with known results: the library's algorithms, compiled and run on ranks, against iteration counts,
//! limits, fixed points and identities that were computed without this compiler.
//!
//! Two problems (`problem`), every algorithm on several topologies (`counts`, `limits`), closed forms (`fixed_points`),
//! equations written out (`iterates`), identities between algorithms (`identities`), averaging alone (`consensus`), what is
//! late, relayed or compressed (`neighbours`), the bound on
//! compressed gossip (`compressed`), sums under rounding (`sums`), conditions (`conditions`), what the
//! analysis on quadratics predicts (`predictions`), what must be refused (`refused`), and the example of every algorithm's
//! documentation (`examples`).

mod compressed;
mod conditions;
mod consensus;
mod counts;
mod examples;
mod fixed_points;
mod identities;
mod iterates;
mod limits;
mod neighbours;
mod predictions;
mod problem;
mod refused;
mod run;
mod sums;
