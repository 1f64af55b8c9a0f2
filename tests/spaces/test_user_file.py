"""A space from one file outside the package: the file of docs/add-a-space.md, from loading to the certificate."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from pages import code_of

from dcanas.basics.errors import UserError
from dcanas.cli.main import main
from dcanas.costs import count_architecture, count_network
from dcanas.spaces import load_space_file, spaces

FILE = Path(__file__).with_name("ladder_space.py")
WHOLE = FILE.read_text(encoding="utf-8")


def test_the_page_shows_the_file_that_is_tested():
    assert code_of("add-a-space") == FILE.read_text(encoding="utf-8")


def test_it_is_a_space_like_any_other():
    space = load_space_file(FILE)
    assert load_space_file(FILE) is space
    members = list(space.members())
    assert len(members) == space.size == 4**4
    rng = np.random.default_rng(0)
    for arch in [space.sample(rng) for _ in range(20)]:
        assert space.parse(space.format(arch)) == arch
        assert len(space.neighbours(arch)) == 4 * 3
        for shape in ((3, 32, 32), (1, 9, 11)):
            built = space.build(arch, 7, shape[0], channels=4)
            assert count_architecture(space, arch, shape, 7, channels=4) == count_network(built, shape)
    content: dict = {}
    exec(compile(space.source(arch, 7, 3, channels=4), "network.py", "exec"), content)
    first, second = space.build(arch, 7, 3, channels=4).eval(), content["build"]().eval()
    second.load_state_dict(first.state_dict())
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(first(images), second(images))


@pytest.mark.parametrize(("text", "message"), [
    ("x = 1\n", r"must define exactly one space, a class with the decorator @spaces.add, and defines none"),
    ("def f(:\n", r"cannot be run as Python: SyntaxError"),
    ("import nothing_of_that_name\n", r"cannot be run as Python: ModuleNotFoundError: No module named"),
    ("from dcanas.spaces import Space, spaces\n@spaces.add\nclass half(Space):\n    name = 'half'\n",
     r"The space half of .* lacks build, format, parse, plan, source, slots, search_skeleton, final_skeleton; docs"),
    ("from dcanas.spaces import Space, spaces\n@spaces.add\nclass one(Space): ...\n\n@spaces.add\n"
     "class two(Space): ...\n",
     r"must define exactly one space, .* and defines one, two"),
    (WHOLE.replace("class Ladder(", "class Steps(").replace('name = "ladder"', 'kind = "ladder"'),
     r"The space Steps of .* lacks name; docs/add-a-space.md shows a whole one"),
    (WHOLE.replace("class Ladder(", "class Steps("),
     r"The space Steps of .* says name = 'ladder'; give the class and its name the same name"),
])
def test_files_that_are_no_space(text, message, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(text)
    before = list(spaces)
    with pytest.raises(UserError, match=message):
        load_space_file(path)
    assert list(spaces) == before  # nothing of it is left behind


def test_commands_without_a_file(tmp_path, capsys):
    assert main(["feasibility", "space=file", f"run.root={tmp_path}"]) == 2
    assert "space=file needs space.file=FILE.py" in capsys.readouterr().err
    assert main(["feasibility", "space=file", f"space.file={tmp_path / 'no.py'}", f"run.root={tmp_path}"]) == 2
    assert re.search(r"There is no file .*no\.py \(space\.file\)", capsys.readouterr().err)


@pytest.mark.slow
def test_from_search_to_certificate(tmp_path, capsys):
    path = tmp_path / "ladder_space.py"
    path.write_text(FILE.read_text(encoding="utf-8"))
    command = ["run", "space=file", f"space.file={path}", "search.share=false", f"run.dir={tmp_path / 'run'}",
               "search.epochs=2", "search.finalists=2", "search.finalist_epochs=1", "train.epochs=3", "run.threads=1"]
    assert main(command) == 0, capsys.readouterr().err
    certificate = json.loads((tmp_path / "run" / "certificate.json").read_text())
    assert certificate["space"] == "ladder"
    assert all(row["met"] is True for row in certificate["rows"])
    assert certificate["accuracy"]["value"] > 0.5  # chance is 0.1
    path.write_text(path.read_text() + "\n# changed\n")
    assert main(command) == 2
    assert "belongs to a run with other settings" in capsys.readouterr().err
