"""Graphs of files are imported as by the command line."""

import copy
import inspect
import json
import pickle
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bfc

COMMAND = Path(sys.executable).with_name("bfc")
WEIGHTS = "0.5,0.25,0.25\n0.1,0.9,0\n0,1e-3,0.999\n"
FILES = {
    "path.csv": "a,b\nb,c\n",
    "pairs.csv": "0,1\n1,0\n1,2\n",
    "three.csv": "from,to,w,x\na,b,1/3,0\nb,c,1/3,0\n",
    "weights.csv": WEIGHTS,
    "net.txt": "% a comment\n0\t1\n2\t3\n4\t5\n",
    "graph.json": '{"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": "a", "target": "b", "weight": 0.5}]}',
    "graph.gml": "graph [ directed 1 node [ id 7 ] node [ id 9 ] edge [ source 7 target 9 ] ]",
    "graph.adjlist": "a b c\nb c\n",
    "graph.mtx": "%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 0.5\n3 2 0.25\n",
    "graph.graphml": '<graphml><graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>',
    "let.csv": "0,1\n1,2\n0,2\n",
}
# The command line's arguments, and the same in Python.
CALLS = [
    ("path.csv", {}),
    ("pairs.csv --directed", {"directed": True}),
    ("pairs.csv --directed=no --nodes 5", {"directed": False, "nodes": 5}),
    ("pairs.csv --directed --nodes 0..4", {"directed": True, "nodes": "0..4"}),
    ("three.csv --columns from,to", {"columns": ["from", "to"]}),
    ("three.csv --columns 1,2,3 --heading", {"columns": (1, 2, "3"), "heading": True}),
    ("three.csv --columns 2,1 --heading --separator comma", {"columns": "2,1", "heading": True, "separator": "comma"}),
    ("weights.csv --kind matrix", {"kind": "matrix"}),
    ("weights.csv --kind matrix --transpose --normalise rows", {"kind": "matrix", "transpose": True, "normalise": "rows"}),
    ("weights.csv --as adjacency --kind matrix", {"as_": "adjacency", "kind": "matrix"}),
    ("weights.csv --drop 0.01 --normalise own", {"drop": 0.01, "normalise": "own"}),
    ("net.txt --comment %", {"comment": "%"}),
    ("graph.json", {}),
    ("graph.gml", {}),
    ("graph.adjlist", {}),
    ("graph.mtx", {}),
    ("graph.graphml", {}),
    ("array.npy", {}),
    ("let.csv", {}),
]


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    np.save(tmp_path / "array.npy", np.full((4, 4), 0.25))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("command,arguments", CALLS, ids=[command for command, _ in CALLS])
def test_graphs_are_those_of_the_command_line(command, arguments):
    words = shlex.split(command)
    source = bfc.import_graph(Path(words[0]), **arguments)
    document = json.loads(run("import", *words, "--format", "json").stdout)
    assert isinstance(source, str) and source == document["source"] == run("import", *words).stdout
    for key in ("name", "size", "nodes"):
        assert getattr(source, key) == document[key]
    assert len(source.notes) == len(document["notes"]) and len(source.warnings) == len(document["warnings"])
    facts = re.sub(r" \([^()]*\)", "", source.reading)
    assert facts == re.sub(r" \(--[^()]*\)", "", document["reading"])
    for text in (source.reading, *source.notes, *source.warnings):
        assert "--" not in text, text
    names = {name for name in re.findall(r"\((\w+)(?:=[^()]*)?\)", source.reading)}
    assert names <= set(inspect.signature(bfc.import_graph).parameters), source.reading


def test_arguments_are_called_as_flags_are():
    help = run("import", "--help").stdout
    flags = {flag.replace("-", "_") for flag in re.findall(r"^ +(?:-\w, )?--([a-z-]+)", help, re.MULTILINE)}
    parameters = inspect.signature(bfc.import_graph).parameters
    assert flags - {"help", "format", "as"} == set(parameters) - {"path", "as_"}


def test_a_graph_compiles():
    source = bfc.import_graph("weights.csv", kind="matrix")
    assert "row i holds what rank i takes (transpose=True)" in source.reading
    schedule = bfc.compile_source(source, size=source.size, allow="requirement_refuted")
    expected = np.array([[float(entry) for entry in line.split(",")] for line in WEIGHTS.split()])
    np.testing.assert_array_equal(schedule.topologies[0].phases[0].matrix, expected)
    for duplicate in (copy.copy, copy.deepcopy, lambda source: pickle.loads(pickle.dumps(source))):
        again = duplicate(source)
        assert type(again) is bfc.ImportedGraph and again == source and again.__dict__ == source.__dict__


def test_a_source_is_written_beside_its_edges():
    assert bfc.import_graph("path.csv", output="small.bf") == Path("small.bf").read_text()
    assert not Path("small.edges").exists()
    Path("ring.csv").write_text("".join(f"{i},{(i + 1) % 10_001}\n" for i in range(10_001)))
    source = bfc.import_graph("ring.csv", output=Path("large.bf"))
    run("import", "ring.csv", "-o", "command.bf")
    assert Path("large.edges").read_text() == Path("command.edges").read_text()
    assert source == Path("large.bf").read_text() and 'edges from "large.edges"' in source
    assert bfc.compile("large.bf", size=10_001) == bfc.compile_source(source, size=10_001, name="large.bf")
    # Without a file all edges are in the text.
    assert "edges from" not in bfc.import_graph("ring.csv")
    Path("large.bf").unlink()
    with pytest.raises(FileExistsError, match="large.edges"):
        bfc.import_graph("ring.csv", output="large.bf")
    with pytest.raises(FileExistsError, match="small.bf"):
        bfc.import_graph("path.csv", output="small.bf")
    assert not Path("large.bf").exists()


REFUSALS = [
    ("ambiguous", "0,1\n1,0\n1,2\n", {}, ["`directed=True` reads", "`directed=False` reads"]),
    ("not_a_number", "a,b,c\nb,c,1\n", {"kind": "edges", "heading": False}, ["`heading=True`", '`columns="1,2"`']),
    ("repeated_edge", "0,1,0.5\n0,1,0.25\n", {"directed": True}, ['`as_="adjacency"`']),
    ("ragged_table", "0,1\n1\n2,0\n", {}, ['`kind="adjacency"`']),
    ("unknown_column", "a,b\nb,c\n", {"columns": [1, 7]}, ["`7`"]),
    ("empty", "# nothing\n", {}, ["`help(bfc.import_graph)`"]),
    ("too_large", "".join(f"{k},{k + 1}\n" for k in range(400_000)), {}, ['`output="graph.bf"`']),
]


@pytest.mark.parametrize("code,text,arguments,remedies", REFUSALS, ids=[code for code, *_ in REFUSALS])
def test_refusals_have_the_codes_of_the_command_line(code, text, arguments, remedies):
    Path("g.csv").write_text(text)
    with pytest.raises(bfc.Error) as refused:
        bfc.import_graph("g.csv", **arguments)
    message = " ".join(str(refused.value).replace("│", " ").split())
    assert refused.value.code == f"bfc::import::{code}", message
    assert all(remedy in message for remedy in remedies), message
    assert not re.search(r"(^|[`\[\s])--?[a-z]", message), message


@pytest.mark.parametrize(
    "arguments,expected",
    [
        ({"kind": "graph"}, '"edges" or "matrix"'),
        ({"separator": ","}, '"comma" or "tab"'),
        ({"comment": "//"}, "one character"),
        ({"columns": [1]}, "two or three different columns"),
        ({"columns": "1,1"}, "two or three different columns"),
        ({"columns": [1, 2, 3, 4]}, "two or three different columns"),
        ({"nodes": 0}, "a number of nodes"),
        ({"nodes": "9..0"}, "a number of nodes"),
        ({"as_": "numbers"}, '"adjacency" or "weights"'),
        ({"normalise": "columns"}, '"own" or "rows"'),
        ({"drop": 0}, "above 0"),
    ],
)
def test_values_that_an_argument_cannot_have_are_refused(arguments, expected):
    with pytest.raises(bfc.ArgumentError) as refused:
        bfc.import_graph("path.csv", **arguments)
    message = " ".join(str(refused.value).replace("│", "").split())
    assert f"`{list(arguments)[0]}` is " in message and expected in message and "`help(bfc.import_graph)`" in message


@pytest.mark.parametrize(
    "arguments", [{"kind": 1}, {"heading": "yes"}, {"transpose": None}, {"columns": 3}, {"nodes": 1.5}, {"output": 3}]
)
def test_values_of_another_type_are_refused(arguments):
    with pytest.raises(TypeError, match=list(arguments)[0]):
        bfc.import_graph("path.csv", **arguments)
    with pytest.raises(FileNotFoundError):
        bfc.import_graph("none.csv")
