"""The notebooks of the examples run, cell by cell, and show pictures."""

import ast
import json
from pathlib import Path
from typing import Any, Dict

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "examples" / "notebooks"


def run(source: str, names: Dict[str, Any]) -> Any:
    """Runs a cell; what its last line is, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.parametrize("name", ["look", "write"])
def test_a_notebook_runs(name: str) -> None:
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    names: Dict[str, Any] = {}
    shown = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, "outputs are not committed"
            value = run("".join(cell["source"]), names)
            if hasattr(value, "_repr_html_"):
                shown.append(value._repr_html_())
    assert len(shown) >= 2 and all("<svg" in one and len(one.encode()) <= 300_000 for one in shown)


def test_each_notebook_is_tested() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == ["look", "write"]
