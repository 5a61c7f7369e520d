"""Files of graphs to sources of topologies."""

from typing import List, Optional, Sequence, Union

from . import _bfc
from ._compile import Path, text


class ImportedGraph(str):
    """The source of a topology, as text for `compile_source`, with what was found in the file of the graph.

    Attributes:
        name: what the topology is called.
        size: the number of ranks.
        nodes: what the file calls them, by rank.
        reading: one line: what the file was taken for, and the arguments that say otherwise.
        notes: what else is worth knowing, such as weights that were read as fractions.
        warnings: what is strange about the weights, such as rows that do not sum to 1.
    """

    name: str
    size: int
    nodes: List[str]
    reading: str
    notes: List[str]
    warnings: List[str]


def import_graph(
    path: Path,
    *,
    output: Optional[Path] = None,
    kind: Optional[str] = None,
    separator: Optional[str] = None,
    comment: Optional[str] = None,
    heading: Optional[bool] = None,
    columns: Union[str, Sequence[Union[int, str]], None] = None,
    directed: Optional[bool] = None,
    nodes: Union[int, str, None] = None,
    as_: Optional[str] = None,
    transpose: bool = False,
    normalise: Optional[str] = None,
    drop: Optional[float] = None,
) -> ImportedGraph:
    """Convert a graph file to the source of a topology.

    Reads edge lists, matrices and adjacency lists (separated by commas, tabs, semicolons, bars or blanks, with the headers of
    SNAP and KONECT), node-link JSON, GraphML, GEXF, GML, Matrix Market and NumPy's .npy. An argument that is ``None`` is left
    to the file; a file that can be read in two ways is refused.

    Args:
        path: the file.
        output: a file for the source, such as ``"graph.bf"``. The edges of a large graph then go to a file beside it, which
            the source names: use ``bfc.compile("graph.bf", …)``. Otherwise all edges are in the text.
        kind: the format: ``"edges"``, ``"matrix"``, ``"adjacency"``, ``"node-link"``, ``"graphml"``, ``"gexf"``, ``"gml"``,
            ``"matrix-market"`` or ``"npy"``.
        separator: what stands between the fields of a line: ``"comma"``, ``"tab"``, ``"semicolon"``, ``"bar"`` or ``"blank"``.
        comment: the character that begins a comment, or ``"none"``; ``#`` and ``%`` if left out.
        heading: whether the first line is a heading.
        columns: the columns of the sender, the receiver and the weight, if there is one, by number from 1 or by the name in
            the heading: ``[1, 2]``, ``["from", "to"]`` or ``"from,to"``.
        directed: whether edges go one way, from the first node to the second.
        nodes: the nodes that there are, with edges or without: how many, or the first and the last number, as in ``"1..12"``.
        as_: whether numbers are mixing ``"weights"``, or only say where edges are: ``"adjacency"``.
        transpose: reverse all edges: for matrices whose row i says where i sends, as in networkx.
        normalise: make rows sum to 1: ``"own"`` sets each rank's own weight to what its row leaves, ``"rows"`` divides rows
            by their sums.
        drop: leave out weights between ranks of at most this magnitude, such as the zeros of a solver.

    Returns:
        The source that ``bfc import`` writes. Its `reading` is what the file was taken for.

    Raises:
        FileNotFoundError: there is no such file.
        FileExistsError: ``output``, or the file of edges beside it, is there already.
        ArgumentError: an argument has a value that it cannot have.
        Error: the file is not a graph, can be read in two ways, or is too large (``bfc::import::*``).
    """
    arguments = {
        "kind": kind,
        "separator": separator,
        "comment": comment,
        "heading": heading,
        "columns": columns,
        "directed": directed,
        "nodes": nodes,
        "as_": as_,
        "transpose": transpose,
        "normalise": normalise,
        "drop": drop,
    }
    target = None if output is None else text(output, "output")
    source, details = _bfc.import_graph(text(path, "path"), target, arguments)
    imported = ImportedGraph(source)
    imported.__dict__.update(details)
    return imported
