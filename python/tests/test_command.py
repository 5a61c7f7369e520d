"""`pip install` brings the `bfc` command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bfc

COMMAND = Path(sys.executable).with_name("bfc")


def run(*arguments, start=(COMMAND,), **options):
    return subprocess.run([*start, *arguments], capture_output=True, text=True, **options)


@pytest.mark.parametrize("start", [(COMMAND,), (sys.executable, "-m", "bfc")])
def test_it_is_the_command_of_this_package(start):
    told = run("--version", start=start)
    assert (told.returncode, told.stdout) == (0, f"bfc {bfc.__version__}\n")


def test_it_compiles_what_the_package_loads(tmp_path):
    made = run("compile", "topology::one_peer_exp2", "--size", "8", "-o", "sched.bin", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert bfc.load(tmp_path / "sched.bin") == bfc.compile("topology::one_peer_exp2", size=8)
    piped = subprocess.run(
        [COMMAND, "compile", "topology::one_peer_exp2", "--size", "8", "-o", "-"], capture_output=True, check=True
    )
    assert piped.stdout == (tmp_path / "sched.bin").read_bytes()


def test_exit_codes_and_documents_are_those_of_the_program(tmp_path):
    usage = run("compile", "--format", "json")
    assert usage.returncode == 2 and json.loads(usage.stdout)["diagnostics"][0]["code"] == "bfc::cli::usage"
    (tmp_path / "wrong.bf").write_text("topology a { for i in }")
    refused = run("check", "wrong.bf", "--size", "4", cwd=tmp_path)
    assert refused.returncode == 1 and "bfc::parse::" in refused.stderr and not refused.stdout


def test_it_starts_itself_for_the_commands_of_examples(tmp_path):
    example = "/// ```console\n/// $ bfc list topology\n/// topology::ring …\n/// ```\ntopology a { for i in ranks { i -> (i + 1) mod size } }\n"
    (tmp_path / "a.bf").write_text(example)
    tested = run("test", "a.bf", cwd=tmp_path)
    assert tested.returncode == 0, tested.stderr
    (tmp_path / "a.bf").write_text(example.replace("topology::ring", "topology::nowhere"))
    assert run("test", "a.bf", cwd=tmp_path).returncode == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_ends_it():
    long = ["simulate", "topology::ring", "--size", "1024", "--cluster", "a100", "--steps", "1000000"]
    started = time.monotonic()
    running = subprocess.Popen([COMMAND, *long], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130 and said == "interrupted\n", (running.returncode, said)
    assert time.monotonic() - started < 30
