"""Analyses, predictions and advice are those of the command line."""

import copy
import inspect
import json
import os
import pickle
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest

import bfc

COMMAND = Path(sys.executable).with_name("bfc")
ROOT = Path(__file__).resolve().parents[2]
CLUSTER = """name = "two machines"
machines = 2
ranks_per_machine = 4
[inside]
latency = "1 us"
bandwidth = "10 GB/s"
[between]
latency = "10 us"
bandwidth = "1 GB/s"
[compute]
step = "100 ms"
"""
CHOCO = (
    "use topology::ring\nuse algorithm::choco_sgd\n"
    "schedule {\n topology ring\n algorithm choco_sgd(lr = 0.02, q = top_fraction(1/10))\n}\n"
)
DGD = "use topology::exponential\nuse algorithm::dgd\nschedule {\n topology exponential\n algorithm dgd\n}\n"
# The command line's arguments, and the same call in Python.
CALLS = [
    ("analyze topology::ring --size 16", lambda: bfc.analyze("topology::ring", size=16)),
    (
        "analyze dgd.bf -n 12 -p topology.base=3 --local-size 4 --curvature 0.2..3 --noise-memory 0.5",
        lambda: bfc.analyze(
            "dgd.bf", size=12, params={"topology.base": 3}, local_size=4, curvature=(0.2, 3), noise_memory=0.5
        ),
    ),
    ("analyze choco.bf --size 4 --simulated", lambda: bfc.analyze("choco.bf", size=4, simulated=True)),
    ("analyze choco.bf --size 4 --simulated=gamma", lambda: bfc.analyze("choco.bf", size=4, simulated="gamma")),
    ("analyze topology::hypercube --size 2..40", lambda: bfc.sweep("topology::hypercube", sizes=range(2, 41))),
    (
        "analyze topology::exponential --size 32 -p base=1..4",
        lambda: bfc.sweep("topology::exponential", sizes=32, values={"base": range(1, 5)}),
    ),
    (
        "analyze algorithm::push_pull --topology R=star --topology C=transpose(R) --size 6",
        lambda: bfc.analyze("algorithm::push_pull", topology={"R": "star", "C": "transpose(R)"}, size=6),
    ),
    (
        "compare lazy(ring,1/3) topology::star --weights metropolis --algorithm dgd --size 8",
        lambda: bfc.compare("lazy(ring,1/3)", "topology::star", weights="metropolis", algorithm="dgd", size=8),
    ),
    ("analyze dgd.bf --sizes 3..5 -p lr=1/20", lambda: bfc.sweep(Path("dgd.bf"), sizes=[3, 4, 5], params={"lr": 0.05})),
    (
        "compare topology::ring topology::one_peer_exp2 dgd.bf --size 8",
        lambda: bfc.compare("topology::ring", "topology::one_peer_exp2", "dgd.bf", size=8),
    ),
    (
        "compare topology::ring dgd.bf --size 8 --cluster two.toml --model-bytes 102MB --compute 5ms --jitter 0.1",
        lambda: bfc.compare(
            "topology::ring", "dgd.bf", size=8, cluster="two.toml", model_bytes=102e6, compute=0.005, jitter=0.1
        ),
    ),
    ("simulate dgd.bf --size 16 --cluster v100", lambda: bfc.simulate("dgd.bf", sizes=16, cluster="v100")),
    (
        "simulate topology::ring --sizes 4,8 --cluster two.toml --steps 50 --seed 7 --stragglers 1x2 --lost 3@20 --batch 32"
        " --place --jitter 0.2",
        lambda: bfc.simulate(
            "topology::ring",
            sizes=np.array([4, 8]),
            cluster=Path("two.toml"),
            steps=50,
            seed=7,
            stragglers=(1, 2),
            lost=[(3, 20)],
            batch=32,
            place=True,
            jitter=0.2,
        ),
    ),
    ("advise --size 9 --cluster v100", lambda: bfc.advise(size=9, cluster="v100")),
    (
        "advise -n 8 --cluster two.toml --algorithm dgd --error 0.01 --heterogeneity 0.01 --curvature 0.5..1",
        lambda: bfc.advise(
            size=8, cluster="two.toml", algorithm="dgd", error=0.01, heterogeneity=0.01, curvature=[0.5, 1]
        ),
    ),
]


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    (tmp_path / "two.toml").write_text(CLUSTER)
    (tmp_path / "dgd.bf").write_text(DGD)
    (tmp_path / "choco.bf").write_text(CHOCO)
    (tmp_path / "binary.toml").write_bytes(b"\xff")
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    # Tables fit the terminal where its width is known.
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=True, env=environment).stdout


@pytest.mark.parametrize("command,call", CALLS, ids=[command for command, _ in CALLS])
def test_results_are_those_of_the_command_line(command, call):
    result = call()
    assert isinstance(result, dict) and result == json.loads(run(*shlex.split(command), "--format", "json"))
    assert json.loads(json.dumps(result)) == result
    text = run(*shlex.split(command)).replace("`--format json`", "`dict(result)`")
    assert str(result) == text.rstrip() and not re.search(r"--[a-z]", str(result))


def test_results_are_copied_and_pickled():
    result = bfc.sweep("topology::ring", sizes=[4, 5])
    for duplicate in (copy.copy, copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))):
        again = duplicate(result)
        assert type(again) is bfc.Result and again == result and str(again) == str(result) and again.svg == result.svg


def test_pictures_are_those_of_the_command_line():
    for command, picture, result in [
        ("analyze topology::ring --size 8", "consensus", bfc.analyze("topology::ring", size=8)),
        ("analyze topology::ring --size 2..8", "convergence", bfc.sweep("topology::ring", sizes=range(2, 9))),
        (
            "simulate topology::ring --sizes 4,8 --cluster v100 --steps 9",
            "efficiency",
            bfc.simulate("topology::ring", sizes=[4, 8], cluster="v100", steps=9),
        ),
    ]:
        run(*shlex.split(command), "--out", "results")
        assert result.svg == Path(f"results/{picture}.svg").read_text()
        xml.fromstring(result.svg)
    assert bfc.compare("topology::ring", size=4).svg is None


def test_advice_compiles():
    advice = bfc.advise(size=8, cluster="v100", algorithm="algorithm::gradient_tracking")
    assert advice["algorithm"] == "gradient_tracking" and len(advice["ranking"]) > 3
    assert bfc.compile_source(advice["source"], size=8, local_size=8).algorithm == "gradient_tracking"


def test_arguments_are_called_as_flags_are():
    """Each flag of the command line that is not about output is an argument, and each argument is a flag."""
    own = {"help", "format", "out", "output", "param", "size", "sizes"}
    for function in (bfc.analyze, bfc.compare, bfc.simulate, bfc.advise):
        help = run(function.__name__, "--help")
        flags = {flag.replace("-", "_") for flag in re.findall(r"^ +(?:-\w, )?--([a-z-]+)", help, re.MULTILINE)}
        parameters = inspect.signature(function).parameters.values()
        arguments = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
        missing = {"allow"} if function is bfc.analyze else set()
        assert flags - own - missing == arguments - {"params", "size", "sizes"}
    one_size = {"size", "simulated"}
    assert set(inspect.signature(bfc.sweep).parameters) - {"sizes", "values"} == set(inspect.signature(bfc.analyze).parameters) - one_size


V100 = {"cluster": "v100"}
WRONG_VALUES = [
    (bfc.analyze, ["topology::ring"], {"size": -1}, "size", "a whole number, at most 4294967295"),
    (bfc.analyze, ["topology::ring"], {"size": 2**40}, "size", "a whole number"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "local_size": -2}, "local_size", "a whole number"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "curvature": (1, 0.1)}, "curvature", "at most the second"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "noise_memory": 1}, "noise_memory", "below 1"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "noise_memory": float("nan")}, "noise_memory", "below 1"),
    (bfc.sweep, ["topology::ring"], {"sizes": []}, "sizes", "from 1 to 10000"),
    (bfc.sweep, ["topology::ring"], {"sizes": range(1, 10**12)}, "sizes", "from 1 to 10000"),
    (bfc.sweep, ["topology::ring"], {"sizes": [4, -1]}, "sizes", "a whole number"),
    (bfc.compare, ["topology::ring"], {"size": 4, "model_bytes": "fast"}, "model_bytes", "`102 MB`"),
    (bfc.compare, ["topology::ring"], {"size": 4, "model_bytes": -1}, "model_bytes", "`102 MB`"),
    (bfc.compare, ["topology::ring"], {"size": 4, **V100, "compute": "1 S"}, "compute", "`1.5 ms`"),
    (bfc.compare, ["topology::ring"], {"size": 4, **V100, "compute": float("inf")}, "compute", "`1.5 ms`"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "jitter": 11}, "jitter", "from 0 to 10"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "steps": 0}, "steps", "from 1 to 1000000"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "seed": -1}, "seed", "from 0 to 18446744073709551615"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "stragglers": (1, 0.5)}, "stragglers", "a factor from 1"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "lost": [(-1, 0)]}, "lost", "a whole number"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "batch": 0}, "batch", "from 1 to 4294967295"),
    (bfc.advise, [], {"size": 0, **V100}, "size", "from 1 to 4294967295"),
    (bfc.advise, [], {"size": 4, **V100, "error": 0.9}, "error", "up to 0.5"),
    (bfc.advise, [], {"size": 4, **V100, "heterogeneity": -1}, "heterogeneity", "from 0 to 10"),
    (bfc.compile, ["topology::ring"], {"size": -1}, "size", "a whole number"),
]


@pytest.mark.parametrize("function,names,arguments,argument,expected", WRONG_VALUES)
def test_values_that_an_argument_cannot_have_are_refused(function, names, arguments, argument, expected):
    with pytest.raises(bfc.ArgumentError) as refused:
        function(*names, **arguments)
    message = " ".join(str(refused.value).replace("│", "").split())
    assert refused.value.code == "bfc::argument::wrong_value" and isinstance(refused.value, ValueError)
    assert f"`{argument}` is " in message and expected in message and f"`help(bfc.{function.__name__})`" in message
    assert "--" not in message


WRONG_TYPES = [
    (bfc.analyze, ["topology::ring"], {"size": "4"}, "size"),
    (bfc.analyze, ["topology::ring"], {"size": 4.5}, "size"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "curvature": 1}, "curvature"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "curvature": "0.1..1"}, "curvature"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "curvature": (1, 2, 3)}, "curvature"),
    (bfc.analyze, ["topology::ring"], {"size": 4, "simulated": 1}, "simulated"),
    (bfc.sweep, ["topology::ring"], {"sizes": "2..8"}, "sizes"),
    (bfc.sweep, ["topology::ring"], {"sizes": None}, "sizes"),
    (bfc.compare, ["topology::ring"], {"size": 4, "model_bytes": None}, "model_bytes"),
    (bfc.compare, [], {"size": 4}, "compare"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, "cluster": 7}, "cluster"),
    (bfc.compile, [b"dgd.bf"], {"size": 4}, "path_or_name"),
    (bfc.compare, ["dgd.bf", None], {"size": 4}, "paths_or_names"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "stragglers": 1}, "stragglers"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "lost": (3, 500)}, "lost"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "place": "yes"}, "place"),
    (bfc.simulate, ["topology::ring"], {"sizes": 4, **V100, "params": "lr"}, "params"),
    (bfc.advise, [], {"size": 4, **V100, "algorithm": 7}, "algorithm"),
    (bfc.advise, [], {"size": 4, **V100, "error": "small"}, "error"),
]


@pytest.mark.parametrize("function,names,arguments,argument", WRONG_TYPES)
def test_values_of_another_type_are_refused(function, names, arguments, argument):
    with pytest.raises(TypeError, match=argument):
        function(*names, **arguments)


REFUSALS = [
    ("bfc::request::size_zero", lambda: bfc.analyze("topology::ring", size=0)),
    ("bfc::request::local_size", lambda: bfc.compare("topology::ring", size=4, local_size=3)),
    ("bfc::request::unknown_library_name", lambda: bfc.sweep("topology::rng", sizes=[4])),
    ("bfc::request::unknown_library_name", lambda: bfc.advise(size=4, cluster="v100", algorithm="gd")),
    ("bfc::request::unknown_allowance", lambda: bfc.compare("dgd.bf", size=4, allow="nope", cluster="v100")),
    ("bfc::run::too_many_ranks", lambda: bfc.analyze("choco.bf", size=257, simulated=True)),
    ("bfc::resolve::unknown_parameter", lambda: bfc.analyze("topology::ring", size=4, simulated=True)),
    ("bfc::evaluate::no_best", lambda: bfc.analyze("choco.bf", size=4, params={"gamma": "best", "q": "sign"})),
    ("bfc::resolve::unknown_parameter", lambda: bfc.analyze("dgd.bf", size=4, params={"bas": 3})),
    ("bfc::evaluate::parameter_kind", lambda: bfc.simulate("dgd.bf", sizes=4, cluster="v100", params={"base": "1/2"})),
    ("bfc::parse::unclosed", lambda: bfc.analyze("dgd.bf", size=4, params={"base": "(3"})),
    ("bfc::cluster::unknown", lambda: bfc.simulate("dgd.bf", sizes=4, cluster="cray")),
    ("bfc::cluster::malformed", lambda: bfc.compare("dgd.bf", size=4, cluster="./dgd.bf")),
    ("bfc::cluster::not_text", lambda: bfc.simulate("dgd.bf", sizes=4, cluster="binary.toml")),
    ("bfc::cluster::not_text", lambda: bfc.compare("dgd.bf", size=4, cluster="binary.toml")),
    ("bfc::cluster::not_text", lambda: bfc.advise(size=4, cluster="binary.toml")),
    ("bfc::cluster::too_few_machines", lambda: bfc.advise(size=9, cluster="two.toml")),
    ("bfc::predict::unknown_rank", lambda: bfc.simulate("dgd.bf", sizes=[16, 4], cluster="v100", lost=[(4, 1)])),
    ("bfc::predict::lost_too_late", lambda: bfc.simulate("dgd.bf", sizes=4, cluster="v100", steps=9, lost=[(1, 9)])),
    ("bfc::predict::too_many_stragglers", lambda: bfc.simulate("dgd.bf", sizes=4, cluster="v100", stragglers=(5, 2))),
    (
        "bfc::predict::too_large",
        lambda: bfc.simulate("topology::ring", sizes=100_000, cluster="v100", steps=1_000_000),
    ),
    ("bfc::predict::nothing_reaches", lambda: bfc.advise(size=4, cluster="v100", algorithm="dgd", error=1e-12)),
]


@pytest.mark.parametrize("code,refused", REFUSALS, ids=[code for code, _ in REFUSALS])
def test_refusals_have_the_codes_of_the_command_line(code, refused):
    with pytest.raises(bfc.Error) as error:
        refused()
    assert error.value.code == code, str(error.value)
    check_words(str(error.value))


def test_remedies_are_written_as_in_python():
    with pytest.raises(bfc.Error, match=re.escape("`stragglers=(1, 2)`")):
        bfc.simulate("dgd.bf", sizes=4, cluster="v100", stragglers=(5, 2))
    with pytest.raises(bfc.Error, match=re.escape("`bfc.compare(cluster=…)`")):
        bfc.simulate("topology::ring", sizes=100_000, cluster="v100", steps=1_000_000)
    assert "`dict(result)` has all" in str(bfc.sweep("topology::ring", sizes=range(2, 50)))


def test_runs_show_the_step_sizes_of_compressed_gossip():
    """CHOCO written out with numpy agrees at the step size that runs show, as fast, and diverges where they do."""
    shown = bfc.analyze("choco.bf", size=8, simulated="gamma")["simulated"]
    ring = np.array(bfc.compile("topology::ring", size=8).topologies[0].phases[0].matrix)

    def left(gamma, steps):
        x, h = np.random.default_rng(0).uniform(-0.5, 0.5, (8, 400)), np.zeros((8, 400))
        start = np.linalg.norm(x - x.mean(0))
        for _ in range(steps):
            difference = x - h
            largest = np.argsort(-abs(difference), axis=1)[:, :40]
            np.put_along_axis(h, largest, np.take_along_axis(h + difference, largest, 1), 1)
            x = x + gamma * (ring @ h - h)
        return (np.linalg.norm(x - x.mean(0)) / start) ** (1 / steps)

    assert 0.04 < shown["best"] < shown["diverges_from"] and not shown["diverges_as_written"]
    assert abs(left(shown["best"], 200) - shown["rate"]) < 0.02
    assert left(shown["diverges_from"], 1000) > 1 and left(0.04, 200) > shown["rate"]


def check_words(message):
    """That it names nothing that only the command line has, and calls functions as they are."""
    message = " ".join(message.replace("│", " ").split())
    assert "command line" not in message and not re.search(r"(^|[`\[\s])--[a-z]", message), message
    for function, argument in re.findall(r"`bfc\.(\w+)\((\w+)=", message):
        assert argument in inspect.signature(getattr(bfc, function)).parameters, message


def test_a_missing_file_is_not_found():
    for refused in (
        lambda: bfc.analyze("none.bf", size=4),
        lambda: bfc.compare("dgd.bf", "none.bf", size=4),
        lambda: bfc.simulate("dgd.bf", sizes=4, cluster="none.toml"),
    ):
        with pytest.raises(FileNotFoundError, match="none"):
            refused()
    Path("binary.bf").write_bytes(b"\xff")
    with pytest.raises(bfc.CompileError, match="UTF-8"):
        bfc.analyze("binary.bf", size=4)


def test_the_place_of_a_parameter_is_an_argument():
    with pytest.raises(bfc.CompileError) as refused:
        bfc.compile("topology::exponential", size=4, params={"base": "1/2"})
    assert '[params["base"]:1:1]' in str(refused.value)
    with pytest.raises(bfc.CompileError) as refused:
        bfc.analyze("dgd.bf", size=4, params={"topology.base": "x" * 300})
    assert '[params["topology.base"]:1:1]' in str(refused.value)


def cases():
    """The cases of the suites whose message on the command line names a flag, with their options and sources."""
    for path in sorted((ROOT / "tests" / "suite").rglob("*.cases")):
        parts = re.split(r"^--- (.*?) ---(.*)\n", path.read_text(), flags=re.MULTILINE)[1:]
        files = {}
        for name, options, body in zip(parts[::3], parts[1::3], parts[2::3]):
            source, _, expected = body.partition("---\n")
            if name.startswith("file "):
                files[name[5:].strip()] = source
            elif re.search(r"(`|\[)--(param|allow)\b", expected):
                yield path.name, name, options, source, dict(files)


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"{case[0]}: {case[1]}")
def test_messages_of_the_suites_name_arguments(case):
    _, _, options, source, files = case
    arguments = {"params": {}, "allow": []}
    for flag, value in zip(*[iter(shlex.split(options.replace(" check", "")))] * 2):
        if flag == "--param":
            name, _, value = value.partition("=")
            arguments["params"][name] = value
        elif flag == "--allow":
            arguments["allow"].append(value)
        else:
            arguments[flag[2:].replace("-", "_")] = int(value)
    for name, text in files.items():
        Path(name).write_text(text)
    with pytest.raises(bfc.Error) as refused:
        bfc.compile_source(source, **arguments)
    assert re.search(r"params|allow=", str(refused.value)), str(refused.value)
    check_words(str(refused.value))


def test_flags_of_messages_have_arguments():
    """What the crates that Python uses say in words of the command line are arguments that Python has."""
    # A trace is asked for by `BFC_TRACE`.
    known = {"format", "as", "trace"}
    for function in (bfc.compile, bfc.analyze, bfc.compare, bfc.simulate, bfc.advise, bfc.import_graph):
        known |= set(inspect.signature(function).parameters)
    found = set()
    for crate in ("compiler/src", "graphs/src", "predict/src", "report/src", "schedule-runtime/src", "schedule-runtime/schedule/src", "dsl/src"):
        for path in (ROOT / crate).rglob("*.rs"):
            text = path.read_text().split("#[cfg(test)]\nmod tests")[0]
            code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
            found |= {(path.name, flag.replace("-", "_")) for flag in re.findall(r"(?<![\w-])--([a-z][a-z-]*)", code)}
    # `bfc inspect` lists the ranks of a file, and no other text of `schedule.rs` does; `bfc export` takes a phase, and `bfc mpi`
    # connects Python, too. Options of `nvrtc.rs` are those of another compiler.
    commands = {("schedule.rs", "rank"), ("export.rs", "phase")}
    commands |= {("library.rs", "compiler"), ("library.rs", "check"), ("mod.rs", "check")}
    assert {flag for path, flag in found - commands if path != "nvrtc.rs"} - known == {"param"}
    assert len(found) > 8, found


@pytest.mark.parametrize(
    "long",
    [
        lambda: bfc.simulate("topology::ring", sizes=1024, cluster="v100", steps=1_000_000),
        lambda: bfc.sweep("topology::geometric", sizes=range(400, 500)),
        lambda: bfc.advise(size=500, cluster="v100", algorithm="gradient_tracking"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_ends_it_and_the_lock_is_free(long):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits an ignored one
    main, turns = threading.main_thread().ident, []

    def interrupt():
        for _ in range(30):
            time.sleep(0.02)
            turns.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    start = time.monotonic()
    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        long()
    assert time.monotonic() - start < 10
    other.join()
    # Turns that the lock had kept back would be far apart.
    assert max(later - earlier for earlier, later in zip(turns, turns[1:])) < 1


def test_notebooks_show_pictures() -> None:
    for size in (1, 8, 64, 300):
        schedule = bfc.compile("topology::complete", size=size)
        shown = schedule._repr_html_()
        assert len(shown.encode()) <= 300_000
        figures = xml.fromstring(f"<div>{shown}</div>")
        assert len(figures) >= 1 and all(figure.tag == "figure" for figure in figures)
    rounds = bfc.compile("topology::one_peer_exp2", size=8)
    ranks = xml.fromstring(f"<div>{rounds._repr_html_()}</div>").iter("{http://www.w3.org/2000/svg}circle")
    assert sum(1 for circle in ranks if circle.get("class") == "rank") == 3 * 8
    analysis = bfc.analyze("topology::ring", size=16)
    assert analysis.svg is not None and analysis.svg in analysis._repr_html_()
    assert "spectral_gap" in analysis._repr_html_()
    hostile = bfc.Result({}, "<script>alert(1)</script>" * 10_000, None)
    assert "<script" not in hostile._repr_html_() and len(hostile._repr_html_()) <= 300_000
