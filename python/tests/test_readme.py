"""The blocks of the README run, and print what they say."""

import re
import shutil
import textwrap
from pathlib import Path

import numpy as np

import bfc

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_runs(tmp_path, monkeypatch, capsys):
    shutil.copy(ROOT / "examples" / "digits.bf", tmp_path)
    (tmp_path / "edges.csv").write_text("a,b\nb,c\nc,a\n")
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "python" / "README.md").read_text(), re.DOTALL)
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 6 and names["schedule"].size == 1
    assert all(np.allclose(layer, 1.0) for layer in names["point"])
    for printed in capsys.readouterr().out.splitlines():
        values = np.array(eval(printed, {"array": np.array}))
        np.testing.assert_allclose(values, 1.5, atol=1e-6)


def test_the_example_of_the_package_runs(capsys):
    example = bfc.__doc__.split("::\n", 1)[1]
    exec(textwrap.dedent(example), {})
    values = np.array(eval(capsys.readouterr().out, {"array": np.array}))
    np.testing.assert_array_equal(values, 3.5)
