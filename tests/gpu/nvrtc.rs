//! The kernels of all algorithms of the library compile with the real NVRTC, which needs no GPU, and nothing in them is fused
//! or approximated. `cargo xtask test gpu` installs NVRTC and runs this.

mod programs;

use bfc_runtime::Dtype;
use bfc_runtime::conformance::schedules::{G, X, program};
use bfc_runtime::gpu::{Form, Nvrtc, Text};
use bfc_schedule::Program;
use bfc_schedule::program::{Instruction, Operation, Shape};
use std::time::Instant;

fn main() {
    let nvrtc = Nvrtc::open(None).expect("NVRTC");
    let (major, minor) = nvrtc.version().expect("its version");
    let programs = programs::of_library();
    let programs: Vec<_> = programs.iter().collect();
    // Algorithms for one type of each arithmetic, and what does not depend on algorithms for all types.
    let all = Text::new(&programs, &[Dtype::Bf16, Dtype::F64]);
    let base = Text::new(&[], &[Dtype::F64, Dtype::F32, Dtype::Bf16, Dtype::F16]);
    // The GPU's library fuses inside of logarithms and powers.
    let near = Text::new(&[&powers()], &[Dtype::Bf16, Dtype::F64]);
    nvrtc.compile(near.source(), 80, Form::Ptx).expect("it compiles");
    for (text, capability, form) in [(&base, 75, Form::Ptx), (&base, 90, Form::Cubin), (&all, 80, Form::Ptx)]
    {
        let start = Instant::now();
        let code = nvrtc.compile(text.source(), capability, form).expect("it compiles");
        if form == Form::Ptx {
            let ptx = String::from_utf8_lossy(&code);
            for forbidden in ["fma.rn", ".ftz", ".approx", ".full"] {
                assert!(!ptx.contains(forbidden), "{forbidden} for compute capability {capability}");
            }
            for name in text.kernels() {
                assert!(ptx.contains(&format!(".entry {name}(")), "no kernel {name}");
            }
        }
        let (kernels, bytes) = (text.kernels().count(), code.len());
        println!(
            "NVRTC {major}.{minor}: {kernels} kernels for {capability} as {form:?}, {bytes} bytes, {:.1?}",
            start.elapsed()
        );
    }
}

fn powers() -> Program {
    let [x, y] = [X, G].map(Operation::Register);
    let expression = vec![x, y, Operation::Power, Operation::Log];
    program(
        "powers",
        vec![Shape::Vector; 2],
        vec![("x", X)],
        vec![Instruction::Compute { into: X, expression }],
    )
}
