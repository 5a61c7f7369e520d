//! The kernels of all algorithms of the library compile with the real NVRTC, which needs no GPU, and nothing in them is fused
//! or approximated. `cargo xtask test gpu` installs NVRTC and runs this.

mod programs;

use bfc_runtime::Dtype;
use bfc_runtime::gpu::{Form, Nvrtc, Text};
use std::time::Instant;

fn main() {
    let nvrtc = Nvrtc::open(None).expect("NVRTC");
    let (major, minor) = nvrtc.version().expect("its version");
    let programs = programs::of_library();
    let programs: Vec<_> = programs.iter().collect();
    // Algorithms for one type of each arithmetic, and what does not depend on algorithms for all types.
    let all = Text::new(&programs, &[Dtype::Bf16, Dtype::F64]);
    let base = Text::new(&[], &[Dtype::F64, Dtype::F32, Dtype::Bf16, Dtype::F16]);
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
