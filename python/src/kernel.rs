//! Weighted sums and other operations on arrays, as the runtime computes them.

use crate::array;
use crate::dlpack::Memory;
use bfc_runtime::{Dtype, Numeric, Storage, kernel};
use bfc_schedule::program::Operation;
use bfc_schedule::program::scalar::{self, Number};
use half::{bf16, f16};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// `target ← Σ weight · x`, or with `adds` `target ← target + Σ weight · x`, each product and sum rounded by itself and in
/// this order. The target is one array of float32 or float64; the others are as long, all of one type that is computed in it.
#[pyfunction]
pub fn sum_terms(
    py: Python<'_>,
    target: &Bound<'_, PyAny>,
    terms: Vec<(f64, Bound<'_, PyAny>)>,
    adds: bool,
) -> PyResult<()> {
    let target = array::writable(target)?.not_short()?;
    let terms: Vec<(f64, Memory)> =
        terms.iter().map(|(weight, x)| Ok((*weight, array::readable(x)?))).collect::<PyResult<_>>()?;
    let dtype = terms.first().map_or(target.dtype(), |(_, x)| x.dtype());
    for (_, x) in &terms {
        x.fits(dtype, &target.shape)?;
    }
    let wide = target.dtype() == Dtype::F64;
    if wide != (dtype == Dtype::F64) {
        return Err(PyValueError::new_err("the target has another type than what is added is computed in"));
    }
    py.detach(|| match dtype {
        Dtype::F64 => sum::<f64>(&target, &terms, adds),
        Dtype::F32 => sum::<f32>(&target, &terms, adds),
        Dtype::Bf16 => sum::<bf16>(&target, &terms, adds),
        Dtype::F16 => sum::<f16>(&target, &terms, adds),
    });
    Ok(())
}

fn sum<S: Storage<Arithmetic: Numeric> + Numeric>(target: &Memory, terms: &[(f64, Memory)], adds: bool) {
    // SAFETY: `sum_terms` has checked types and lengths; that nobody else touches the memory is asked of the caller.
    let (sum, vectors) = unsafe {
        let vectors = terms.iter().map(|(_, x)| x.slice::<S>());
        (target.slice_mut::<S::Arithmetic>(), vectors.collect::<Vec<_>>())
    };
    let weights = terms.iter().map(|(weight, _)| S::Arithmetic::from_f64(*weight));
    let terms: Vec<_> = weights.zip(vectors).collect();
    let rest = match (adds, &terms[..]) {
        (true, terms) => terms,
        (false, []) => return sum.fill(S::Arithmetic::from_f64(0.0)),
        (false, [(a, x)]) => return kernel::scale(sum, *a, x),
        (false, [(a, x), (b, y), rest @ ..]) => {
            kernel::first(sum, *a, x, *b, y);
            rest
        }
    };
    rest.iter().for_each(|(weight, x)| kernel::accumulate(sum, *weight, x));
}

/// An operation of programs on the elements of one or two arrays of float32 or float64, all of the type and length of `into`.
#[pyfunction]
pub fn apply_to_elements(
    py: Python<'_>,
    name: &str,
    operands: Vec<Bound<'_, PyAny>>,
    into: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let operation = plain_operation(name, operands.len())?;
    let into = array::writable(into)?.not_short()?;
    let operands: Vec<Memory> = operands.iter().map(array::readable).collect::<PyResult<_>>()?;
    for operand in &operands {
        operand.fits(into.dtype(), &into.shape)?;
    }
    py.detach(|| match into.dtype() {
        Dtype::F64 => apply::<f64>(operation, &operands, &into),
        _ => apply::<f32>(operation, &operands, &into),
    });
    Ok(())
}

fn apply<T: Number + Numeric>(operation: &Operation, operands: &[Memory], into: &Memory) {
    // SAFETY: as in `sum`.
    let (into, operands) = unsafe {
        (into.slice_mut::<T>(), operands.iter().map(|operand| operand.slice::<T>()).collect::<Vec<_>>())
    };
    match operands[..] {
        [a] => into.iter_mut().zip(a).for_each(|(into, a)| *into = scalar::unary(operation, *a)),
        [a, b] => {
            let pairs = a.iter().zip(b);
            into.iter_mut().zip(pairs).for_each(|(into, (a, b))| *into = scalar::binary(operation, *a, *b));
        }
        _ => unreachable!("operations take one or two operands"),
    }
}

/// An operation on numbers, as programs mean it.
#[pyfunction]
pub fn apply_operation(name: &str, operands: Vec<f64>) -> PyResult<f64> {
    let operation = plain_operation(name, operands.len())?;
    Ok(match operands[..] {
        [a] => scalar::unary(operation, a),
        [a, b] => scalar::binary(operation, a, b),
        _ => unreachable!("operations take one or two operands"),
    })
}

fn plain_operation(name: &str, operands: usize) -> PyResult<&'static Operation> {
    let known = Operation::PLAIN.iter().find(|operation| format!("{operation:?}") == name);
    let fitting = known.filter(|operation| operation.arity() == operands);
    fitting.ok_or_else(|| PyValueError::new_err(format!("no operation `{name}` of {operands} operands")))
}
