"""The example that trains a transformer on characters learns, and exchanges as seldom as its algorithms say."""

import pytest

pytest.importorskip("torch", reason="torch is not installed, so its optimizers are not tested")
from test_torch import ROOT, start  # noqa: E402

EXAMPLE = ROOT / "examples" / "characters_torch.py"


def test_a_transformer_learns_with_few_exchanges(tmp_path):
    lines = start("bfc launch", 2, EXAMPLE, "--steps", "30", "--period", "10", scratch=tmp_path)
    table = {line[:20].strip(): line[20:].split() for line in lines if "ranks" not in line and "loss" not in line}
    losses, sent = ({name: float(words[place]) for name, words in table.items()} for place in (0, 3))
    assert list(map(len, (table, set(losses.values())))) == [4, 4]
    # Without knowledge it is log(61) = 4.1 nats per character.
    assert all(loss < 3.3 for loss in losses.values()), losses
    every, average, partner = sent["every step"], sent["DiLoCo, every 10"], sent["NoLoCo, every 10"]
    assert sent["alone"] == 0 and average == pytest.approx(every / 10, rel=0.1) and partner == pytest.approx(every / 5, rel=0.1)
