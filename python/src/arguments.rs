//! Python objects → the values of arguments, which may be those of the command line.

use crate::error;
use bfc_predict::sweep::MOST_POINTS;
use bfc_predict::values::{self, COUNT, Numbers, Wholes};
use bfc_report::clip;
use miette::Diagnostic;
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use thiserror::Error;

const ONE_OR_SEVERAL: &str = "one whole number or several";

/// An argument has a value that it cannot have.
#[derive(Debug, Error, Diagnostic)]
#[error("`{name}` is {found}, {expected}")]
#[diagnostic(code(bfc::argument::wrong_value), help("`help(bfc.{function})` describes its arguments"))]
struct WrongValue<'a> {
    function: &'a str,
    name: &'a str,
    found: &'a str,
    expected: &'a str,
}

/// The exception for an argument of a function of `bfc` that has a value which it cannot have.
#[pyfunction]
pub fn wrong_value(py: Python<'_>, function: &str, name: &str, found: &str, expected: &str) -> PyErr {
    error::raise(py, [&WrongValue { function, name, found, expected } as &dyn Diagnostic])
}

/// The arguments of a call by name.
pub struct Arguments<'py> {
    function: &'static str,
    values: Bound<'py, PyDict>,
}

/// The value of an argument, or a part of it.
pub struct Argument<'py> {
    function: &'static str,
    name: &'static str,
    value: Bound<'py, PyAny>,
}

impl<'py> Arguments<'py> {
    /// The arguments of a function of `bfc`.
    pub fn new(function: &'static str, values: Bound<'py, PyDict>) -> Self {
        Self { function, values }
    }

    /// The argument of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, name: &'static str) -> PyResult<Argument<'py>> {
        let value = self.values.as_any().get_item(name)?;
        Ok(Argument { function: self.function, name, value })
    }

    /// What `read` makes of an argument that is not `None`.
    ///
    /// # Errors
    /// There is none, or `read` refuses it.
    pub fn given<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Argument<'py>) -> PyResult<T>,
    ) -> PyResult<Option<T>> {
        let argument = self.get(name)?;
        if argument.value.is_none() { Ok(None) } else { read(argument).map(Some) }
    }
}

impl<'py> Argument<'py> {
    /// One of some whole numbers.
    ///
    /// # Errors
    /// It is none of these.
    pub fn whole(&self, wholes: Wholes) -> PyResult<u32> {
        let number = self.number_of_type("a whole number")?;
        self.expect(wholes.check(number))
    }

    /// A seed of 64 bits.
    ///
    /// # Errors
    /// It is none.
    pub fn seed(&self) -> PyResult<u64> {
        let number = self.number_of_type("a whole number")?;
        self.expect(number.ok_or_else(|| format!("expected a whole number from 0 to {}", u64::MAX)))
    }

    /// One of some numbers.
    ///
    /// # Errors
    /// It is none of these.
    pub fn number(&self, numbers: Numbers) -> PyResult<f64> {
        let number = self.number_of_type("a number")?;
        self.expect(numbers.check(number))
    }

    /// A number in a unit, or a text that `parse` reads.
    ///
    /// # Errors
    /// It is neither.
    pub fn quantity(&self, unit: &str, parse: fn(&str) -> Result<f64, String>) -> PyResult<f64> {
        if let Ok(text) = self.value.extract::<String>() {
            return self.expect(parse(&text));
        }
        let number: Option<f64> = self.number_of_type("a number, or a text with a unit")?;
        self.expect(parse(&format!("{} {unit}", number.unwrap_or(f64::INFINITY))))
    }

    /// One of some words, with what it stands for.
    ///
    /// # Errors
    /// It is none of these.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> PyResult<T> {
        let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let expected = || format!("expected {}", all.join(" or "));
        self.parsed("a word", |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(expected)
        })
    }

    /// A name, or a truth value: whether it is the name `default`.
    ///
    /// # Errors
    /// It is neither.
    pub fn switch(&self, default: &str, expected: &str) -> PyResult<Option<String>> {
        match self.value.extract() {
            Ok(is_on) => Ok(bool::then(is_on, || default.to_string())),
            Err(_) => self.of_type(expected).map(Some),
        }
    }

    /// A text that `parse` reads.
    ///
    /// # Errors
    /// It is none.
    pub fn parsed<T>(&self, expected: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> PyResult<T> {
        let text: String = self.of_type(expected)?;
        self.expect(parse(&text))
    }

    /// As [`parsed`](Self::parsed), where a whole number stands for its digits.
    ///
    /// # Errors
    /// It is none.
    pub fn parsed_or_whole<T>(
        &self,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> PyResult<T> {
        if self.is_text() {
            return self.parsed(expected, parse);
        }
        let whole: Option<i64> = self.number_of_type(expected)?;
        self.expect(parse(&whole.map_or_else(String::new, |whole| whole.to_string())))
    }

    /// Whether it is a text.
    pub fn is_text(&self) -> bool {
        self.value.is_instance_of::<PyString>()
    }

    /// Numbers of ranks: one, or several that are not too many.
    ///
    /// # Errors
    /// It is neither.
    pub fn sizes(&self) -> PyResult<Vec<u32>> {
        if !self.value.hasattr("__iter__")? {
            let size = self.number_of_type(ONE_OR_SEVERAL)?;
            return Ok(vec![self.expect(COUNT.check(size))?]);
        }
        let sizes = self.items(ONE_OR_SEVERAL, MOST_POINTS + 1)?;
        if !(1..=MOST_POINTS).contains(&sizes.len()) {
            return self.expect(Err(format!("expected from 1 to {MOST_POINTS} numbers of ranks")));
        }
        sizes.iter().map(|size| size.whole(COUNT)).collect()
    }

    /// The least and the largest curvature.
    ///
    /// # Errors
    /// It is not two such numbers.
    pub fn curvature(&self) -> PyResult<[f64; 2]> {
        let [least, largest] = self.pair("two numbers")?;
        let bounds = least.number_of_type("a number")?.zip(largest.number_of_type("a number")?);
        self.expect(values::curvature(bounds.map(<[f64; 2]>::from)))
    }

    /// Two values.
    ///
    /// # Errors
    /// It does not hold two.
    pub fn pair(&self, expected: &str) -> PyResult<[Self; 2]> {
        self.items(expected, 3)?.try_into().map_err(|_| self.wrong_type(expected))
    }

    /// The values that it holds, `most` at most.
    ///
    /// # Errors
    /// It holds none, being a number or a text.
    pub fn items(&self, expected: &str, most: usize) -> PyResult<Vec<Self>> {
        let is_text = self.is_text() || self.value.is_instance_of::<PyBytes>();
        let items =
            self.value.try_iter().ok().filter(|_| !is_text).ok_or_else(|| self.wrong_type(expected))?;
        let part = |value| Self { function: self.function, name: self.name, value };
        items.take(most).map(|item| item.map(part)).collect()
    }

    /// As a type of Rust.
    ///
    /// # Errors
    /// It is of another type.
    pub fn of_type<T: FromPyObjectOwned<'py>>(&self, expected: &str) -> PyResult<T> {
        self.value.extract().map_err(|_| self.wrong_type(expected))
    }

    /// A number, or `None` where the type of Rust does not hold it.
    fn number_of_type<T: FromPyObjectOwned<'py>>(&self, expected: &str) -> PyResult<Option<T>> {
        match self.value.extract().map_err(Into::<PyErr>::into) {
            Ok(number) => Ok(Some(number)),
            Err(failure) if failure.is_instance_of::<PyOverflowError>(self.value.py()) => Ok(None),
            Err(_) => Err(self.wrong_type(expected)),
        }
    }

    /// The value, if it is what was expected.
    ///
    /// # Errors
    /// It is not.
    pub fn expect<T>(&self, value: Result<T, String>) -> PyResult<T> {
        value.map_err(|expected| {
            wrong_value(self.value.py(), self.function, self.name, &self.shown(), &expected)
        })
    }

    fn wrong_type(&self, expected: &str) -> PyErr {
        let kind =
            self.value.get_type().name().map_or_else(|_| String::new(), |name| format!(" of type {name}"));
        PyTypeError::new_err(format!("`{}` is {expected}, found {}{kind}", self.name, self.shown()))
    }

    /// The value as Python writes it.
    fn shown(&self) -> String {
        self.value
            .repr()
            .map_or_else(|_| "a value that cannot be shown".to_string(), |text| clip(text.to_string()))
    }
}
