//! Libraries that are missing, too old, or something else.

use super::stand_in::{Fault, StandIn};
use bfc_runtime::gpu::{Form, Gpu, GpuError, Libraries, Nvrtc};
use miette::Diagnostic;

fn code(error: &GpuError) -> String {
    error.code().expect("a code").to_string()
}

fn refused(libraries: &Libraries, number: u32) -> GpuError {
    Gpu::open(libraries, number).expect_err("no GPU")
}

#[test]
fn a_library_that_is_absent_is_named_with_its_remedy() {
    let libraries = Libraries { driver: Some("/nowhere/libcuda.so.1".into()), ..Libraries::default() };
    let error = refused(&libraries, 0);
    assert_eq!(code(&error), "bfc::gpu::no_library");
    assert!(error.to_string().starts_with("there is no CUDA driver: /nowhere/libcuda.so.1"), "{error}");
    assert!(error.help().expect("a remedy").to_string().contains("BFC_CUDA"), "{error:?}");
}

#[test]
fn a_library_without_a_function_is_refused() {
    let stand_in = StandIn::with(&["-DcuEventQuery=another"]);
    let error = refused(&stand_in.libraries(), 0);
    assert_eq!(code(&error), "bfc::gpu::no_symbol");
    assert!(error.to_string().ends_with("has no function `cuEventQuery`"), "{error}");
}

#[test]
fn a_driver_older_than_nvrtc_is_refused() {
    let stand_in = StandIn::new();
    stand_in.fault(Fault::OldDriver, 11040);
    let error = refused(&stand_in.libraries(), 0);
    assert_eq!(code(&error), "bfc::gpu::too_old");
    assert_eq!(error.to_string(), "CUDA driver is version 11.4, and 12.0 is needed by NVRTC");
}

#[test]
fn a_gpu_that_is_not_there_is_refused() {
    let stand_in = StandIn::new();
    assert_eq!(refused(&stand_in.libraries(), 3), GpuError::NoDevice { wanted: 3, found: 1 });
    stand_in.fault(Fault::NoGpu, 1);
    let error = refused(&stand_in.libraries(), 0);
    assert_eq!(code(&error), "bfc::gpu::no_device");
    assert_eq!(error.to_string(), "there is no GPU 0: the CUDA driver finds 0");
}

#[test]
fn text_that_is_not_cuda_is_refused_with_the_words_of_nvrtc() {
    let stand_in = StandIn::new();
    let nvrtc = Nvrtc::open(stand_in.libraries().nvrtc).expect("NVRTC");
    let error = nvrtc.compile("no kernel", 90, Form::Ptx).expect_err("an error");
    assert_eq!(code(&error), "bfc::gpu::compile");
    assert!(error.to_string().contains("error"), "{error}");
}

#[test]
fn a_gpu_that_has_failed_says_so_at_the_next_wait() {
    let stand_in = StandIn::new();
    let gpu = stand_in.gpu();
    let stream = gpu.stream().expect("a stream");
    let memory = gpu.allocate(64).expect("memory");
    stand_in.fault(Fault::FailingWork, 1);
    stream.write(&memory, 0, &[1; 64]).expect("it is queued");
    let error = stream.wait().expect_err("a failure");
    assert_eq!(code(&error), "bfc::gpu::call");
    assert_eq!(error.to_string(), "`cuStreamQuery` failed: unspecified launch failure (CUDA error 719)");
}
