"""The example that compares algorithms on handwritten digits trains, and its table says so."""

import pytest

pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
from test_torch import ROOT, start  # noqa: E402

EXAMPLE = ROOT / "examples" / "digits_torch.py"


def rows(lines):
    """Of each run its accuracy in percent and the megabytes that a rank has sent."""
    table = {line[:24].strip(): line[24:].split() for line in lines if "%" in line}
    return {name: (float(words[0].rstrip("%")), float(words[-1])) for name, words in table.items()}


def test_all_algorithms_run_and_send_what_they_should(tmp_path):
    found = rows(start("torchrun", 4, EXAMPLE, "--epochs", "1", scratch=tmp_path))
    sent = {name: megabytes for name, (_, megabytes) in found.items()}
    assert len(found) == 10
    # One model a step, or two; a quarter of the steps; a quarter of the numbers with their places.
    assert sent["adapt while combining"] == pytest.approx(2 * sent["adapt, then combine"], rel=0.1)
    assert sent["gradient tracking"] == pytest.approx(4 * sent["adapt, then combine"], rel=0.1)
    assert sent["local steps"] < 0.3 * sent["adapt, then combine"]
    assert sent["compressed"] < 0.6 * sent["adapt while combining"]


def test_gradient_tracking_learns_from_sorted_data(tmp_path):
    options = ["--epochs", "12", "--skew", "1", "--only", "gradient"]
    [(accuracy, _)] = rows(start("bfc launch", 2, EXAMPLE, *options, scratch=tmp_path)).values()
    assert accuracy > 80
