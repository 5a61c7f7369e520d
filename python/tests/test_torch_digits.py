"""The example that compares algorithms on handwritten digits trains, and its table says so."""

import pytest

pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
pytest.importorskip("matplotlib", reason="matplotlib is not installed, so pictures of runs are not tested")
from test_torch import ROOT, start  # noqa: E402

EXAMPLE = ROOT / "examples" / "digits_torch.py"


def rows(lines):
    """For each run its accuracy in percent and the megabytes that a rank has sent."""
    table = {line[:24].strip(): line[24:].split() for line in lines if "%" in line}
    return {name: (float(words[0].rstrip("%")), float(words[-1])) for name, words in table.items()}


def test_all_algorithms_run_and_send_what_they_should(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    picture = tmp_path / "runs.svg"
    found = rows(start("torchrun", 4, EXAMPLE, "--epochs", "1", "--picture", picture, scratch=tmp_path))
    assert picture.read_text().count("<svg") == 1
    sent = {name: megabytes for name, (_, megabytes) in found.items()}
    assert len(found) == 10
    # In 23 steps, this many models of 3,818 float32.
    models = {
        "all-reduce": 23 * 1.5,
        "adapt, then combine": 23,
        "adapt while combining": (23 + 1) * 2,  # The mix of the next step is sent before its gradient is asked for.
        "gradient tracking": 22 * 4 + 2,  # The first gradient is not a step, and one mix is sent ahead.
        "exact diffusion": 23 * 2,
        "push-sum": 23 * 2,  # Its weights, 8 bytes each, are less than the table shows.
        "hierarchical": 23 * 3,
        "local steps": 23 // 4,
        "DistributedDataParallel": 23 * 1.5,
    }
    assert {name: sent[name] for name in models} == {name: round(count * 3818 * 4 / 1e6, 2) for name, count in models.items()}
    # A quarter of the numbers with their places.
    assert sent["compressed"] < 0.6 * sent["adapt while combining"]


def test_gradient_tracking_learns_from_sorted_data(tmp_path):
    options = ["--epochs", "12", "--skew", "1", "--only", "gradient"]
    [(accuracy, _)] = rows(start("bfc launch", 2, EXAMPLE, *options, scratch=tmp_path)).values()
    assert accuracy > 80
