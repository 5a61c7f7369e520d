"""The exceptions of `bfc`."""

from typing import Optional, Sequence


class Error(Exception):
    """Something was refused or failed; the message is the rendered diagnostic.

    Attributes:
        code: the stable code of the first diagnostic, such as ``"bfc::prove::refuted"``; ``bfc explain CODE`` says more.
        codes: the codes of all diagnostics, in the order of the message.
    """

    code: Optional[str]
    codes: "list[str]"

    def __init__(self, message: str = "", codes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.codes = list(codes)
        self.code = self.codes[0] if self.codes else None


class CompileError(Error):
    """A source was refused, by any stage from parsing to lowering."""


class ParseError(CompileError):
    """A source does not parse (``bfc::parse::*``)."""


class ProofError(CompileError):
    """A ``requires`` or ``ensure`` is refuted or not decided (``bfc::prove::*``)."""


class ScheduleError(Error):
    """A schedule file is damaged or does not do what it claims (``bfc::format::*``, ``bfc::verify::*``)."""


class RunError(Error):
    """Execution failed: a deadline passed, or another rank ended (``bfc::execute::*``), or ranks cannot meet
    (``bfc::world::*``)."""


class ArgumentError(Error, ValueError):
    """An argument has a value that it cannot have (``bfc::argument::*``)."""


class ArrayError(Error, ValueError):
    """An array does not fit (``bfc::array::*``): its library, device, type, shape, order or permissions."""


class OptimizerError(Error):
    """An optimizer of torch, or a call of it, does not fit the schedule (``bfc::torch::*``)."""


for _class in (
    Error, CompileError, ParseError, ProofError, ScheduleError, RunError, ArgumentError, ArrayError, OptimizerError,
):
    _class.__module__ = "bfc"
