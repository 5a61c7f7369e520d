//! Predictions held against what BlueFog published (README and arXiv 2111.04287): ResNet-50, 25.5 million parameters in
//! single precision, on machines of 8 V100 with 25 Gb/s each. Calibrated on 16 GPUs, predicted beyond.
//!
//! The schedule is theirs: in each step one rank of a machine sends to another machine, the others within it.

use crate::common;
use bfc_predict::links::Wiring;
use bfc_predict::{AllReduce, Cluster, allreduce};
use serde_json::Value;

const SIZES: [u32; 4] = [16, 32, 64, 128];
const MODEL_BYTES: f64 = 4.0 * 25.5e6;

/// Images per second at 16, 32, 64 and 128 GPUs.
struct Published {
    batch: f64,
    neighbour: [f64; 4],
    all_reduce: [f64; 4],
}

const PUBLISHED: [Published; 2] = [
    Published {
        batch: 64.0,
        neighbour: [5203.0, 10515.0, 21030.0, 42818.0],
        all_reduce: [4986.0, 9539.0, 17127.0, 29919.0],
    },
    Published {
        batch: 32.0,
        neighbour: [4377.0, 8594.0, 16393.0, 32706.0],
        all_reduce: [3660.0, 5252.0, 10186.0, 14562.0],
    },
];

/// Images per second of the schedule, simulated without jitter; nothing but the time of a gradient is calibrated, as its
/// messages hide behind it.
fn neighbour(published: &Published) -> [f64; 4] {
    let gradient = published.batch * 16.0 / published.neighbour[0];
    let (_directory, path) = common::files(&[("inner_outer.bf", include_bytes!("inner_outer.bf"))]);
    let run = |size: u32| -> Value {
        common::json(&[
            "simulate",
            &path("inner_outer.bf"),
            "--size",
            &size.to_string(),
            "--cluster",
            "v100",
            "--model-bytes",
            &MODEL_BYTES.to_string(),
            "--compute",
            &format!("{gradient} s"),
            "--jitter",
            "0",
            "--steps",
            "120",
            "--batch",
            &published.batch.to_string(),
        ])
    };
    SIZES.map(|size| run(size)["runs"][0]["samples_per_second"].as_f64().expect("a number"))
}

/// Images per second of ring all-reduce; the factor by which it is slower than at its best is calibrated.
fn all_reduce(published: &Published) -> [f64; 4] {
    let cluster = Cluster::named("v100").expect("a ready cluster");
    let compute = cluster.compute();
    let gradient = published.batch * 16.0 / published.neighbour[0];
    let best = |size| AllReduce::new(&Wiring::new(&cluster, size).expect("machines"), MODEL_BYTES).ring;
    let measured = published.batch * 16.0 / published.all_reduce[0];
    let factor = (measured - (1.0 - compute.backward) * gradient) / best(16);
    assert!(factor > 1.0, "the model is a lower bound: {factor}");
    SIZES.map(|size| {
        published.batch * f64::from(size) / allreduce::step(&compute, gradient, factor * best(size))
    })
}

#[test]
fn neighbours_within_ten_percent_and_the_table_is_true() {
    let page = std::fs::read_to_string(common::root().join("docs/prediction.md")).expect("the page");
    for published in &PUBLISHED {
        for (name, predicted, measured) in [
            ("neighbour", neighbour(published), published.neighbour),
            ("all-reduce", all_reduce(published), published.all_reduce),
        ] {
            for ((size, predicted), measured) in SIZES.iter().zip(predicted).zip(measured) {
                let error = 100.0 * (predicted / measured - 1.0);
                if name == "neighbour" {
                    assert!(error.abs() < 10.0, "{size} GPUs, batch {}: {predicted}", published.batch);
                }
                let row = format!(
                    "| {name} | {} | {size} | {measured} | {predicted:.0} | {error:+.1} % |",
                    published.batch
                );
                assert!(page.contains(&row), "docs/prediction.md lacks\n{row}");
            }
        }
    }
}
