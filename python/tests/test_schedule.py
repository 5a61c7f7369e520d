"""Compiling, looking at and storing schedules."""

import copy
import concurrent.futures
import json
import os
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import bfc

EXPO2 = """
topology expo2 {
    for t in 0..ceil_log(size, 2) {
        phase { for i in ranks { i -> (i + 2^t) mod size } }
    }
    weights uniform
}
"""


@pytest.fixture(scope="module")
def schedule():
    return bfc.compile_source(EXPO2, size=8)


def test_a_schedule_tells_what_it_is(schedule):
    assert (schedule.size, schedule.local_size, schedule.period) == (8, 1, 3)
    assert len(schedule.digest) == 64 and int(schedule.digest, 16) >= 0
    assert [topology.name for topology in schedule.topologies] == ["expo2"]
    assert schedule.digest[:12] in repr(schedule)


def test_matrices_are_those_of_the_paper(schedule):
    for t, phase in enumerate(schedule.topologies[0].phases):
        expected = (np.eye(8) + np.roll(np.eye(8), 2**t, axis=0)) / 2
        assert phase.matrix.dtype == np.float64 and phase.matrix.flags.writeable
        np.testing.assert_array_equal(phase.matrix, expected)


@pytest.mark.parametrize("name", ["ring", "star", "grid2d", "exponential", "complete", "ring_directed"])
def test_rounds_carry_exactly_the_edges_of_the_matrix(name):
    schedule = bfc.compile(f"topology::{name}", size=9)
    for phase in schedule.topologies[0].phases:
        carried = set()
        for round in phase.rounds:
            to, source = round.send_to, round.recv_from
            assert to.shape == source.shape == (9,) and to.dtype == np.int64
            sends = {(i, to[i]) for i in range(9) if to[i] >= 0}
            assert sends == {(source[i], i) for i in range(9) if source[i] >= 0}
            assert len({target for _, target in sends}) == len(sends)
            assert not sends & carried
            carried |= sends
        sources, targets, weights = phase.edges
        assert carried == set(zip(sources.tolist(), targets.tolist()))
        np.testing.assert_array_equal(phase.matrix[targets, sources], weights)


def test_rows_are_exact_on_request():
    phase = bfc.compile("topology::exponential", size=6).topologies[0].phases[0]
    own, others = phase.row(0, exact=True)
    assert own == Fraction(1, 4) and others == {5: own, 4: own, 2: own}
    assert phase.row(0) == (0.25, {5: 0.25, 4: 0.25, 2: 0.25})
    with pytest.raises(IndexError):
        phase.row(6)


def test_a_million_ranks_are_looked_at_by_rank():
    phase = bfc.compile("topology::exponential", size=2**20).topologies[0].phases[0]
    assert len(phase.rounds) == 20
    assert phase.row(5)[1][4] == 1 / 21
    assert phase.rounds[3].send_to[2**20 - 1] == 7
    with pytest.raises(ValueError, match="row"):
        phase.matrix


def test_files_round_trip_and_every_changed_byte_is_refused(schedule, tmp_path):
    path = tmp_path / "sched.bin"
    schedule.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["sched.bin"]
    again = bfc.load(path)
    assert again == schedule and hash(again) == hash(schedule) and again.digest == schedule.digest
    data = path.read_bytes()
    assert data == schedule.to_bytes() and bfc.loads(data) == schedule
    for place in range(0, len(data), 7):
        with pytest.raises(bfc.ScheduleError) as refused:
            bfc.loads(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert refused.value.code.startswith(("bfc::format::", "bfc::verify::"))
    for damaged in (b"", data[:-1], data + b"\0"):
        with pytest.raises(bfc.ScheduleError):
            bfc.loads(damaged)


def test_saving_destroys_nothing_that_is_there(schedule, tmp_path):
    schedule.save(tmp_path / "no" / "sched.bin")
    assert bfc.load(tmp_path / "no" / "sched.bin") == schedule
    with pytest.raises(NotADirectoryError):
        schedule.save(tmp_path / "no" / "sched.bin" / "sched.bin")
    with pytest.raises(IsADirectoryError):
        schedule.save(tmp_path / "no")
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to("no/sched.bin")
    schedule.save(link)
    assert link.is_symlink()
    os.mkfifo(pipe)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        schedule.save(pipe)
        assert read.result(10) == schedule.to_bytes() and pipe.is_fifo()


def test_missing_files_and_names_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        bfc.compile(tmp_path / "missing.bf", size=4)
    with pytest.raises(FileNotFoundError):
        bfc.load(tmp_path / "missing.bin")
    with pytest.raises(bfc.Error) as refused:
        bfc.compile("topology::rnig", size=4)
    assert refused.value.code


def test_a_file_uses_files_beside_it(tmp_path):
    (tmp_path / "near.bf").write_text("topology pair { for i in ranks { i -> (i + 1) mod size } }\n")
    (tmp_path / "main.bf").write_text("use near::pair\nschedule { topology pair }\n")
    schedule = bfc.compile(tmp_path / "main.bf", size=5)
    assert schedule.topologies[0].phases[0].rounds[0].send_to.tolist() == [1, 2, 3, 4, 0]


def test_params_are_exact():
    third = bfc.compile("topology::exponential", size=33, params={"base": 3})
    assert len(third.topologies[0].phases[0].rounds) == 4
    source = "topology lazy(a: real) { for i in ranks { i -> (i + 1) mod size } weights constant(a) }"
    for value in (0.1, Fraction(1, 10), "1 / 10"):
        phase = bfc.compile_source(source, size=4, params={"a": value}).topologies[0].phases[0]
        assert phase.row(0, exact=True) == (Fraction(9, 10), {3: Fraction(1, 10)})
    for value in (float("nan"), float("inf"), Decimal("-Infinity"), np.float64("nan"), [1, [float("nan")]]):
        with pytest.raises(bfc.ArgumentError, match="finite") as refused:
            bfc.compile_source(source, size=4, params={"a": value})
        assert refused.value.code == "bfc::argument::wrong_value" and 'params["a"]' in str(refused.value)
    with pytest.raises(TypeError):
        bfc.compile_source(source, size=4, params={"a": object()})
    with pytest.raises(bfc.CompileError):
        bfc.compile_source(source, size=4, params={"b": 1})


def test_errors_carry_codes_and_the_rendered_diagnostic():
    with pytest.raises(bfc.ParseError) as refused:
        bfc.compile_source("topology a { for i in }", size=4, name="broken.bf")
    error = refused.value
    assert error.code == error.codes[0] and error.code.startswith("bfc::parse::")
    assert "broken.bf" in str(error) and error.code in str(error) and "\x1b" not in str(error)
    with pytest.raises(bfc.CompileError) as refused:
        bfc.compile_source("topology a { for i in ranks { i -> i + 1 } }", size=4)
    assert refused.value.code.startswith("bfc::evaluate::")
    with pytest.raises(bfc.ProofError) as refused:
        bfc.compile_source(
            "topology a {\n for i in ranks { i -> (i + 1) mod size }\n ensure symmetric\n}", size=4
        )
    assert refused.value.code.startswith("bfc::prove::")


DGD = "use topology::ring\nuse algorithm::dgd\nschedule { topology ring\n algorithm dgd }"
OPEN = "topology t(k: int) { for i in ranks { i -> (i + k) mod size } }\nuse algorithm::dgd\nschedule { topology t\n algorithm dgd }"
HEAVY = "use algorithm::dgd\ntopology t(w: real = 1/4) { for i in ranks { i -- (i + 1) mod size weight w } }\nschedule { topology t\n algorithm dgd }"


@pytest.mark.parametrize(
    "source,options,argument",
    [
        (OPEN, {}, 'params={"k": …}'),
        (DGD, {"allow": "nope"}, 'allow="nope"'),
        (HEAVY, {"params": {"w": "3/4"}}, 'params={"w": "3/4"}'),
    ],
)
def test_remedies_are_arguments_of_python(source, options, argument):
    with pytest.raises(bfc.CompileError) as refused:
        bfc.compile_source(source, size=4, **options)
    message = str(refused.value)
    assert argument in " ".join(message.split())
    assert " --" not in message and "`--" not in message and "command line" not in message, message


def test_messages_hold_nothing_hidden(tmp_path):
    hostile = "\x1b[2J\x9b31m\u202e\x07"
    directory = tmp_path / f"{hostile}\n\N{CHECK MARK} proved"
    directory.mkdir()
    (directory / "a.bf").write_text("topology a {")
    for refused in (
        lambda: bfc.compile_source(f"// {hostile}\ntopology a {{}}", size=4),
        lambda: bfc.compile_source("topology a {", size=4, name=hostile),
        lambda: bfc.compile(directory / "a.bf", size=4),
        lambda: bfc.compile(f"topology::{hostile}", size=4),
        lambda: bfc.compile("topology::ring", size=4, params={hostile: 1}),
        lambda: bfc.compile("topology::exponential", size=4, params={"base": hostile}),
    ):
        with pytest.raises(bfc.Error) as error:
            refused()
        assert not set(hostile) & set("\x1b\x9b\u202e\x07") & set(str(error.value))
        assert "\n\N{CHECK MARK}" not in str(error.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.bf").write_bytes(b"topology \xff")
    with pytest.raises(bfc.CompileError) as refused:
        bfc.compile(tmp_path / "a.bf", size=4)
    assert refused.value.code == "bfc::cli::not_text"


def test_errors_survive_pickling():
    with pytest.raises(bfc.ParseError) as refused:
        bfc.compile_source("topology", size=4)
    again = pickle.loads(pickle.dumps(refused.value))
    assert type(again) is bfc.ParseError and again.codes == refused.value.codes and str(again) == str(refused.value)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda schedule: pickle.loads(pickle.dumps(schedule))])
def test_schedules_are_copied_and_pickled(schedule, duplicate):
    again = duplicate({"inside": [schedule]})["inside"][0]
    assert again == schedule and hash(again) == hash(schedule) and again.to_bytes() == schedule.to_bytes()
    alone = duplicate(schedule)
    assert type(alone) is bfc.Schedule and alone == schedule


def test_a_damaged_pickle_is_refused(schedule):
    data = bytearray(pickle.dumps(schedule))
    data[len(data) // 2] ^= 1
    with pytest.raises(bfc.ScheduleError):
        pickle.loads(bytes(data))


REFUTED = """
use algorithm::gradient_tracking
topology one_way { for i in 1..size { 0 -> i } }
schedule { topology one_way
           algorithm gradient_tracking }
"""


@pytest.mark.parametrize("allow", ["requirement_refuted", ["requirement_refuted"], ("requirement_refuted",), {"requirement_refuted"}])
def test_claims_are_allowed_by_one_code_or_several(allow):
    assert bfc.compile_source(REFUTED, size=4, allow=allow).size == 4


@pytest.mark.parametrize("allow", [7, None, b"requirement_refuted", [b"requirement_refuted"], {"requirement_refuted": True}, [3]])
def test_codes_of_another_type_are_refused(allow):
    with pytest.raises(TypeError, match="allow"):
        bfc.compile_source(REFUTED, size=4, allow=allow)


@pytest.mark.parametrize("params", ["lr", [("lr", 1)], {1: 2}, None])
def test_parameters_of_another_type_are_refused(params):
    with pytest.raises(TypeError, match="param"):
        bfc.compile("topology::ring", size=4, params=params)
    with pytest.raises(TypeError, match="param"):
        bfc.analyze("topology::ring", size=4, params=params)


def test_several_errors_come_at_once():
    with pytest.raises(bfc.Error) as refused:
        bfc.compile_source("topology a { for i in ranks { i -> nope\n i -> never } }", size=4)
    assert len(refused.value.codes) >= 2


@pytest.mark.parametrize("size", [0, -1, 2**40])
def test_impossible_sizes_are_refused(size):
    with pytest.raises((bfc.Error, OverflowError)):
        bfc.compile("topology::ring", size=size)


def test_size_one_is_the_identity():
    schedule = bfc.compile("topology::ring", size=1)
    assert schedule.period == 1
    np.testing.assert_array_equal(schedule.topologies[0].phases[0].matrix, [[1.0]])


def test_analysis_has_the_keys_of_the_command_line():
    analysis = bfc.analyze("topology::one_peer_exp2", size=16)
    assert analysis["exact_average"] is True and analysis["exact_after"] == 4 and analysis["rho"] is None
    keys = "size period rounds doubly_stochastic spectral_gap rounds_to_1e-6 checks notes methods".split()
    assert set(keys) <= set(analysis)
    ring = bfc.analyze("topology::ring", size=16)
    assert ring["rho"] == pytest.approx((1 + 2 * np.cos(2 * np.pi / 16)) / 3, abs=1e-12)


def test_inspection_rebuilds_the_matrices(schedule):
    shown = schedule.inspect()
    json.dumps(shown)
    for phase, told in zip(schedule.topologies[0].phases, shown["topologies"][0]["phases"]):
        matrix = np.zeros((8, 8))
        for i, rank in enumerate(told["ranks"]):
            matrix[i, i] = rank["self_weight"]
            for source, weight in rank["in_weights"].items():
                matrix[i, int(source)] = weight
        np.testing.assert_array_equal(matrix, phase.matrix)
    assert len(schedule.inspect(3)["topologies"][0]["phases"][0]["ranks"]) == 1
    with pytest.raises(IndexError):
        schedule.inspect(8)
