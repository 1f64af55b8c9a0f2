"""Several processes: what rank 0 starts, the others do; none waits for ever."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.files import read_json
from dcanas.pipeline import distributed
from dcanas.training import Recipe

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def lead() -> int:
    distributed.ranks()
    with distributed.together("write", {"name": "sent", "recipe": Recipe(epochs=3, freeze=("stem.*",))}):
        pass
    with distributed.together("stop", {}):
        pass
    with distributed.together("add", {"number": 2}):
        print(distributed.ranks().total(40.0))
    distributed.shutdown()
    return 0


def follow() -> int:
    def write(message: Mapping[str, Any]) -> None:
        Path(message["name"]).write_text(json.dumps(message["recipe"]))

    def stop(message: Mapping[str, Any]) -> None:
        raise Stopped("stopped")  # as every rank does when the user stops the run

    return distributed.worker_loop({
        "write": write, "stop": stop, "add": lambda message: distributed.ranks().total(message["number"])})


def lead_and_fail() -> int:
    distributed.ranks()
    with distributed.together("add", {"number": 2}):
        pass
    return 3


def wait_in_vain() -> int:
    distributed.JOIN, distributed.NOTICE_SECONDS = timedelta(seconds=1.5), 0.1
    try:
        distributed.ranks()
    except UserError as error:
        print(error)
    return 0


def alone() -> int:
    print(distributed.ranks().count)
    return 0


SCENARIOS: dict[str, tuple[Callable[[], int], ...]] = {
    "together": (lead, follow), "lost": (lead_and_fail, follow), "vain": (wait_in_vain,), "alone": (alone,)}


def main(folder: Path) -> None:
    """Run all scenarios at once, each process a child of this one, which has imported everything."""
    children = {}
    for name, roles in SCENARIOS.items():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for rank, role in enumerate(roles):
            child = os.fork()
            if not child:
                os.environ |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
                if name != "alone":  # there, another launcher has left the rest
                    os.environ["RANK"] = str(rank)
                os.chdir(folder)
                for kind, descriptor in (("out", 1), ("err", 2)):
                    file = os.open(f"{name}-{rank}.{kind}", os.O_CREAT | os.O_WRONLY)
                    os.dup2(file, descriptor)
                distributed.leave(role())
            children[f"{name}-{rank}"] = child
    codes = {name: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for name, child in children.items()}
    (folder / "codes.json").write_text(json.dumps(codes))


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    subprocess.run([sys.executable, __file__, str(folder)], check=True, timeout=120,
                   env={**environment, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)})
    return folder


def ended(folder: Path, name: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a process."""
    return read_json(folder / "codes.json")[name], *((folder / f"{name}.{kind}").read_text() for kind in ("out", "err"))


def test_the_others_do_what_rank_0_starts_and_end_when_it_shuts_them_down(done) -> None:
    assert ended(done, "together-0") == (0, "[42.0]\n", "")  # 40 of rank 0, 2 of rank 1
    assert ended(done, "together-1") == (0, "", "")
    sent = read_json(done / "sent")
    assert (sent["epochs"], sent["freeze"], len(sent)) == (3, ["stem.*"], len(Recipe.__dataclass_fields__))


def test_a_process_whose_leader_is_gone_ends_with_a_sentence(done) -> None:
    code, _, errors = ended(done, "lost-1")
    assert code == 2
    assert errors.startswith("dcanas, process 1: Another of the 2 processes ended, or did not answer for 30 minutes")
    assert errors.count("\n") == 1


def test_a_process_that_nobody_joins_says_so_and_gives_up(done) -> None:
    code, said, errors = ended(done, "vain-0")
    assert code == 0
    assert "dcanas, process 0: waiting for the others of 2 processes (WORLD_SIZE)" in errors
    assert said.startswith("The others of 2 processes did not join within 0.025 minutes (")
    assert said.endswith("unset RANK and WORLD_SIZE to run as one process.\n")


def test_one_process_has_no_others_to_ask(done) -> None:
    assert ended(done, "alone-0") == (0, "1\n", "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
