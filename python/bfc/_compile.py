"""Sources and names to schedules."""

import os
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from . import _bfc
from ._bfc import Schedule

Path = Union[str, "os.PathLike[str]"]
Topology = Union[str, Mapping[str, str], None]


def compile(
    path_or_name: Path,
    *,
    size: int,
    local_size: int = 1,
    params: Mapping[str, Any] = {},
    allow: Union[str, Iterable[str]] = (),
    topology: Topology = None,
    algorithm: Optional[str] = None,
    weights: Optional[str] = None,
) -> Schedule:
    """Compile a ``.bf`` file or a library name into a proved schedule.

    Args:
        path_or_name: a file such as ``"digits.bf"``, a library name such as ``"topology::ring"``, or an expression such as
            ``"exponential(base=3)"``.
        size: the number of ranks, at least 1.
        local_size: how many consecutive ranks share a machine; divides ``size``.
        params: parameters of the topology and the algorithm by name (``"lr"``, or ``"topology.base"`` where a name is
            ambiguous). Numbers are exact (0.1 is 1/10); a string is an expression of the language.
        allow: a code or several: of claims to accept unproved, such as ``"requirement_not_decided"``, or refuted, such
            as ``"requirement_refuted"``; the schedule records them.
        topology: a topology in place of the source's: a name or an expression, such as ``"exponential(base=3)"``, or
            several by the algorithm's names for them, such as ``{"R": "ring", "C": "transpose(R)"}``.
        algorithm: an algorithm in place of the source's, such as ``"gradient_tracking"``.
        weights: a rule that gives the edges of the topology other weights, such as ``"metropolis"``.

    Raises:
        FileNotFoundError: there is no such file.
        CompileError: the source was refused; all diagnostics of the failing stage are in the message.
        ArgumentError: an argument has a value that it cannot have.
    """
    return _bfc.compile(text(path_or_name), settings(local_size, params, allow, topology, algorithm, weights, size=size))


def compile_source(
    text: str,
    *,
    size: int,
    local_size: int = 1,
    params: Mapping[str, Any] = {},
    allow: Union[str, Iterable[str]] = (),
    topology: Topology = None,
    algorithm: Optional[str] = None,
    weights: Optional[str] = None,
    name: str = "source.bf",
) -> Schedule:
    """Compile source text; ``name`` is what diagnostics call it, and where it looks for the files it uses.

    Raises:
        CompileError: as for `compile`.
    """
    return _bfc.compile_source(text, name, settings(local_size, params, allow, topology, algorithm, weights, size=size))


def load(path: Path) -> Schedule:
    """Read a schedule file and verify it completely.

    Raises:
        FileNotFoundError: there is no such file.
        ScheduleError: a byte is changed, missing or added, or the schedule does not do what it claims.
    """
    with open(path, "rb") as file:
        return _bfc.decode(file.read())


def loads(data: bytes) -> Schedule:
    """The schedule in the bytes of a file (`Schedule.to_bytes`), verified like `load`."""
    return _bfc.decode(data)


def text(path_or_name: Path, argument: str = "path_or_name") -> str:
    """A path or a name as a string."""
    path = os.fspath(path_or_name) if isinstance(path_or_name, os.PathLike) else path_or_name
    if not isinstance(path, str):
        raise TypeError(f"`{argument}` is a path or a name, found {_kind(path)}")
    return path


def settings(
    local_size: int,
    params: Mapping[str, Any],
    allow: Union[str, Iterable[str]],
    topology: Topology,
    algorithm: Optional[str],
    weights: Optional[str],
    **others: Any,
) -> Dict[str, Any]:
    """The arguments of a function that takes sources, by name."""
    return {
        "local_size": local_size,
        "params": _expressions(params),
        "allow": _codes(allow),
        "topology": _topologies(topology),
        "algorithm": algorithm,
        "weights": weights,
        **others,
    }


def _topologies(topology: Topology) -> "List[Tuple[Optional[str], str]]":
    if topology is None:
        return []
    if isinstance(topology, str):
        return [(None, topology)]
    words = [*topology.keys(), *topology.values()] if isinstance(topology, Mapping) else [None]
    if not all(isinstance(word, str) for word in words):
        raise TypeError(f"`topology` is a text, or maps an algorithm's names to texts, found {_kind(topology)}")
    return list(topology.items())


def _codes(allow: Union[str, Iterable[str]]) -> List[str]:
    """One code is a list of one: a string is never taken apart into letters."""
    codes = [allow] if isinstance(allow, str) else allow
    if isinstance(codes, (bytes, Mapping)) or not isinstance(codes, Iterable):
        raise TypeError(f"`allow` is a code or a sequence of codes, found {_kind(allow)}")
    codes = list(codes)
    for code in codes:
        if not isinstance(code, str):
            raise TypeError(f'`allow` holds codes such as "requirement_not_decided", found {_kind(code)}')
    return codes


def _expressions(params: Mapping[str, Any]) -> "list[tuple[str, str]]":
    if not isinstance(params, Mapping):
        raise TypeError(f'`params` maps names to values, such as {{"lr": 0.05}}, found {_kind(params)}')
    for name in params:
        if not isinstance(name, str):
            raise TypeError(f"the name of a parameter is a string, found {_kind(name)}")
    return [(name, expression(value, f'params["{name}"]')) for name, value in params.items()]


def _kind(value: Any) -> str:
    """A value for a message, with its type."""
    return f"{value!r} of type {type(value).__name__}"


def expression(value: Any, argument: str) -> str:
    """A Python value as an expression of the language, exactly; ``argument`` is what errors call it."""
    if isinstance(value, str):
        return value
    if type(value).__module__ == "numpy":
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Fraction):
        return f"({value.numerator} / {value.denominator})"
    if isinstance(value, (Real, Decimal)):
        number = Decimal(repr(float(value))) if isinstance(value, Real) else value
        if not number.is_finite():
            raise _bfc.wrong_value("compile", argument, repr(value), "expected a finite number")
        return f"{number:f}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(expression(item, argument) for item in value) + "]"
    raise TypeError(f"a parameter is a number, a truth value, a list or an expression, found {type(value).__name__}")
