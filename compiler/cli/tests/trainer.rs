//! The Rust examples: one trains what `bfc run` trains, however the machine is driven; the other a model of many tensors.

#[path = "../../../examples/train.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod train;

#[path = "../../../examples/perceptron.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod perceptron;

use crate::common;
use bfc_runtime::World;
use bfc_schedule::RankSchedule;
use std::time::Duration;
use train::Drive;

#[test]
fn the_example_gets_the_result_of_bfc_run() {
    let (_directory, path) = common::files(&[]);
    common::bfc(&["compile", "examples/digits.bf", "--size", "4", "-o", &path("sched.bin")]).assert().code(0);
    let file = std::fs::read(path("sched.bin")).expect("compiled");
    let data = train::read_digits().expect("digits");

    let by_closure = train::train(&file, &data, Drive::Closure).expect("trains");
    let by_calls = train::train(&file, &data, Drive::Next).expect("trains");
    assert_eq!(by_closure, by_calls);

    let model = train::mean(&by_closure);
    let run = common::json(&["run", "examples/digits.bf", "--size", "4"]);
    let expected = |key: &str| run["decentralized"][key].as_f64().expect("a number");
    let loss = train::loss(&data.train, 1.0 / data.train.len() as f64, &model);
    assert!((loss - expected("loss")).abs() < 1e-12, "{loss} against {}", expected("loss"));
    assert_eq!(train::accuracy(&data.test, &model), expected("test_accuracy"));
}

#[test]
fn the_perceptron_learns_and_its_ranks_agree() {
    let (_directory, path) = common::files(&[]);
    common::bfc(&["compile", "examples/digits.bf", "--size", "4", "-o", &path("sched.bin")]).assert().code(0);
    let file = std::fs::read(path("sched.bin")).expect("compiled");
    let (train, test) = perceptron::read_digits().expect("digits");
    let models = perceptron::on_threads(&file, &train).expect("trains");
    for model in &models {
        assert!(model.accuracy(&test) > 0.9, "{}", model.accuracy(&test));
    }
    assert_eq!(perceptron::on_threads(&file, &train).expect("trains again"), models);
}

/// A rank of the test below.
#[test]
#[ignore = "a rank of the test below"]
fn perceptron_rank() {
    let Some(file) = std::env::var_os("BFC_TEST_PERCEPTRON") else { return };
    let file = std::fs::read(file).expect("compiled");
    let (train, _) = perceptron::read_digits().expect("digits");
    let world = World::from_environment().expect("a launcher");
    let schedule = RankSchedule::decode(&file, world.rank()).expect("a schedule");
    let model = perceptron::one_rank(schedule, world.join(Duration::from_secs(60)).expect("a group"), &train)
        .expect("trains");
    println!("rank {} {:016x}", world.rank(), model.digest());
}

#[test]
fn the_perceptron_has_the_same_bits_on_threads_and_processes() {
    let (_directory, path) = common::files(&[]);
    common::bfc(&["compile", "examples/digits.bf", "--size", "4", "-o", &path("sched.bin")]).assert().code(0);
    let file = std::fs::read(path("sched.bin")).expect("compiled");
    let (train, _) = perceptron::read_digits().expect("digits");
    let threads = perceptron::on_threads(&file, &train).expect("trains");

    let binary = std::env::current_exe().expect("this binary");
    let rank = ["--exact", "trainer::perceptron_rank", "--ignored", "--nocapture", "--quiet"];
    let launch = ["launch", "-n", "4", "--", binary.to_str().expect("a path")];
    let mut command = common::bfc(&[&launch[..], &rank].concat());
    let output =
        command.env("BFC_TEST_PERCEPTRON", path("sched.bin")).assert().code(0).get_output().stdout.clone();
    let output = String::from_utf8(output).expect("text");
    for (rank, model) in threads.iter().enumerate() {
        let line = format!("rank {rank} {:016x}", model.digest());
        assert!(output.contains(&line), "`{line}` is missing in:\n{output}");
    }
}
