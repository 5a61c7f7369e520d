"""Sources and names to analyses, predictions and advice."""

import html
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _bfc
from ._compile import Path, Topology, expression, settings, text

_CURVATURE = (0.1, 1.0)
_MODEL = "100 MB"
# Bytes of what a notebook shows, and the characters of text in them, each up to six bytes when it is escaped.
_MOST_HTML = 300_000
_MOST_TEXT = 40_000


class Result(Dict[str, Any]):
    """What a function found: a dict with the keys of the command line's JSON. ``str(result)`` is the command line's text.

    Attributes:
        svg: the picture that the command line draws, as SVG; ``None`` where it draws none.
    """

    svg: Optional[str]

    def __init__(self, data: Mapping[str, Any], text: str, svg: Optional[str]) -> None:
        super().__init__(data)
        self._text, self.svg = text, svg

    def __str__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        """The picture and the text for a notebook, as HTML of at most 300 kB; the text alone where there is no more room."""
        words = f"<pre>{html.escape(self._text[:_MOST_TEXT])}</pre>\n"
        picture = "" if self.svg is None else f"<figure>\n{self.svg}</figure>\n"
        return picture + words if len((picture + words).encode()) <= _MOST_HTML else words

    def __reduce__(self) -> "Tuple[type[Result], Tuple[Dict[str, Any], str, Optional[str]]]":
        return Result, (dict(self), self._text, self.svg)


def analyze(
    path_or_name: Path,
    *,
    size: int,
    local_size: int = 1,
    params: Mapping[str, Any] = {},
    topology: Topology = None,
    algorithm: Optional[str] = None,
    weights: Optional[str] = None,
    curvature: Sequence[float] = _CURVATURE,
    noise_memory: float = 0.9,
    simulated: Union[bool, str, None] = None,
) -> Result:
    """Degrees, rounds, stochasticity, spectra and consensus speed of a topology, and how an algorithm converges over it.

    A ``requires`` or ``ensure`` that does not hold is listed under ``"checks"`` and raises nothing.

    Args:
        path_or_name, size, local_size, params, topology, algorithm, weights: as for `compile`.
        curvature: the least and the largest curvature of the quadratics on which an algorithm is analyzed.
        noise_memory: the part of the ranks' noise that is left a step later, for the effective number of neighbours.
        simulated: the name of a parameter (``True``: ``"gamma"``): also run the schedule with many values of it, on up to 256
            ranks, and estimate which is best for consensus.

    Returns:
        What ``bfc analyze --format json`` prints; what runs show is under ``"simulated"``. The picture is the consensus error.

    Raises:
        FileNotFoundError, CompileError: as for `compile`.
        ArgumentError: an argument has a value that it cannot have.
        Error: there are too many ranks to run.
    """
    arguments = settings(
        local_size,
        params,
        (),
        topology,
        algorithm,
        weights,
        size=size,
        curvature=curvature,
        noise_memory=noise_memory,
        simulated=simulated,
    )
    return Result(*_bfc.analyze(text(path_or_name), arguments))


def sweep(
    path_or_name: Path,
    *,
    sizes: Union[int, Iterable[int]],
    values: Mapping[str, Iterable[Any]] = {},
    local_size: int = 1,
    params: Mapping[str, Any] = {},
    topology: Topology = None,
    algorithm: Optional[str] = None,
    weights: Optional[str] = None,
    curvature: Sequence[float] = _CURVATURE,
    noise_memory: float = 0.9,
) -> Result:
    """Analyze a topology at several sizes, or with several values of a parameter, and name the one that needs most steps.

    Args:
        path_or_name, local_size, params, topology, algorithm, weights: as for `compile`.
        sizes: the numbers of ranks, such as ``range(2, 257)``, up to 10,000 of them. Those for which the source is not
            are listed under ``"skipped"``.
        values: a parameter with several values, such as ``{"base": range(2, 6)}``; then ``sizes`` is one number.
        curvature, noise_memory: as for `analyze`.

    Returns:
        What ``bfc analyze --size A..B --format json`` prints: analyses under ``"sizes"`` or ``"values"``, and the
        ``"worst"`` of them. The picture shows steps and gaps over sizes or values.

    Raises:
        FileNotFoundError, CompileError: as for `compile`.
        ArgumentError: an argument has a value that it cannot have.
    """
    arguments = settings(
        local_size,
        params,
        (),
        topology,
        algorithm,
        weights,
        sizes=sizes,
        values=_axis(sizes, values),
        curvature=curvature,
        noise_memory=noise_memory,
    )
    return Result(*_bfc.sweep(text(path_or_name), arguments))


def _axis(sizes: Any, values: Mapping[str, Iterable[Any]]) -> "Optional[Tuple[str, List[str]]]":
    """The parameter that varies, with its values as expressions."""
    if not values:
        return None
    if not isinstance(values, Mapping) or len(values) != 1 or not isinstance(sizes, int):
        raise TypeError('`values` is one parameter with several values, such as {"base": [2, 3]}, at one of `sizes`')
    ((name, several),) = values.items()
    if isinstance(several, str) or not isinstance(several, Iterable):
        raise TypeError(f"`values` maps a parameter to several values, found {several!r}")
    return name, [expression(value, "values") for value in several]


def compare(
    *paths_or_names: Path,
    size: int,
    local_size: int = 1,
    params: Mapping[str, Any] = {},
    allow: Union[str, Iterable[str]] = (),
    topology: Topology = None,
    algorithm: Optional[str] = None,
    weights: Optional[str] = None,
    cluster: Optional[Path] = None,
    model_bytes: Union[str, float] = _MODEL,
    compute: Union[str, float, None] = None,
    jitter: Optional[float] = None,
    curvature: Sequence[float] = _CURVATURE,
) -> Result:
    """Analyze several topologies or schedules side by side; on a cluster also the seconds of their steps.

    Args:
        paths_or_names: files, library names or expressions, at least one.
        size, local_size, params, allow, topology, algorithm, weights: as for `compile`; the same for all of them.
        cluster: a ready cluster such as ``"v100"`` (``bfc cluster`` lists them), or the path of a description in TOML.
        model_bytes: the size of the model: a number of bytes, or a text such as ``"102 MB"``.
        compute: the time of a gradient instead of the cluster's: seconds, or a text such as ``"120 ms"``.
        jitter: the standard deviation of that time over its mean, instead of the cluster's.
        curvature: as for `analyze`.

    Returns:
        What ``bfc compare --format json`` prints: an analysis of each source under ``"columns"``.

    Raises:
        FileNotFoundError, CompileError: as for `compile`, and where there is no description of this name.
        ArgumentError: an argument has a value that it cannot have.
        Error: the cluster is unknown, its description is refused, or it has too few machines.
    """
    if not paths_or_names:
        raise TypeError("`compare` takes at least one path or library name")
    arguments = settings(
        local_size,
        params,
        allow,
        topology,
        algorithm,
        weights,
        size=size,
        cluster=None if cluster is None else text(cluster, "cluster"),
        model_bytes=model_bytes,
        compute=compute,
        jitter=jitter,
        curvature=curvature,
    )
    return Result(*_bfc.compare([text(name, "paths_or_names") for name in paths_or_names], arguments))


def simulate(
    path_or_name: Path,
    *,
    sizes: Union[int, Iterable[int]],
    cluster: Path,
    local_size: int = 1,
    params: Mapping[str, Any] = {},
    allow: Union[str, Iterable[str]] = (),
    topology: Topology = None,
    algorithm: Optional[str] = None,
    weights: Optional[str] = None,
    place: bool = False,
    model_bytes: Union[str, float] = _MODEL,
    compute: Union[str, float, None] = None,
    jitter: Optional[float] = None,
    steps: int = 1000,
    seed: int = 0,
    stragglers: Optional[Tuple[int, float]] = None,
    lost: Iterable[Tuple[int, int]] = (),
    batch: Optional[int] = None,
) -> Result:
    """Simulate training on a cluster by seeded discrete events: jitter, shared links, stragglers and lost ranks.

    Args:
        path_or_name, local_size, params, allow, topology, algorithm, weights: as for `compile`.
        sizes: the number of ranks, or several such as ``[8, 16, 32]``.
        cluster, model_bytes, compute, jitter: as for `compare`.
        place: put ranks that exchange a lot onto the same machine.
        steps: steps of training, up to a million.
        seed: selects the jitter and the stragglers.
        stragglers: the number of slow ranks and their slowdown, such as ``(2, 1.5)``.
        lost: ranks that are lost, each with the first step without it, such as ``[(3, 500)]``.
        batch: samples per gradient of a rank; adds samples per second to the result.

    Returns:
        What ``bfc simulate --format json`` prints: a simulation of each size under ``"runs"``. The picture is the scaling
        efficiency.

    Raises:
        FileNotFoundError, CompileError, ArgumentError: as for `compare`.
        Error: the cluster is refused, the simulation would be too large, or there is no such rank or step.
    """
    arguments = settings(
        local_size,
        params,
        allow,
        topology,
        algorithm,
        weights,
        sizes=sizes,
        cluster=text(cluster, "cluster"),
        place=place,
        model_bytes=model_bytes,
        compute=compute,
        jitter=jitter,
        steps=steps,
        seed=seed,
        stragglers=stragglers,
        lost=lost,
        batch=batch,
    )
    return Result(*_bfc.simulate(text(path_or_name), arguments))


def advise(
    path_or_name: Optional[Path] = None,
    *,
    size: int,
    cluster: Path,
    model_bytes: Union[str, float] = _MODEL,
    compute: Union[str, float, None] = None,
    jitter: Optional[float] = None,
    algorithm: Optional[str] = None,
    error: float = 1e-3,
    heterogeneity: float = 1.0,
    curvature: Sequence[float] = _CURVATURE,
) -> Result:
    """Search the library for the schedule that reaches a target error first on a cluster.

    Args:
        path_or_name: a file with topologies to try beside the library's, an algorithm to train with, or both.
        size: the number of ranks.
        cluster, model_bytes, compute, jitter: as for `compare`.
        algorithm: an algorithm of the file or the library to train with, such as ``"dgd"``; plain averaging where left
            out, or the file's only one.
        error: the error to reach, relative to the initial one.
        heterogeneity: the distance of the ranks' optima from the common one, relative to the initial error.
        curvature: as for `analyze`.

    Returns:
        What ``bfc advise --format json`` prints: schedules under ``"ranking"``, the fastest first, all-reduce under
        ``"allreduce"``, and the first schedule as text under ``"source"``, for `compile_source`.

    Raises:
        FileNotFoundError, ArgumentError: as for `compare`.
        CompileError: the file is refused, or there is no such algorithm.
        Error: the cluster is refused, or nothing reaches the target.
    """
    arguments = {
        "size": size,
        "cluster": text(cluster, "cluster"),
        "model_bytes": model_bytes,
        "compute": compute,
        "jitter": jitter,
        "algorithm": algorithm,
        "error": error,
        "heterogeneity": heterogeneity,
        "curvature": curvature,
    }
    return Result(*_bfc.advise(None if path_or_name is None else text(path_or_name), arguments))
