"""What is proved is not proved again, and whatever changes is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from grader.paths import ROOT
from grader.proved import TREES_MAX, WRITE_AFTER, Proved, tree_identity

pytest_plugins = ["pytester"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of git's with two files, of which one is committed."""
    for command in (["init", "-q"], ["add", "."]):
        (tmp_path / "kernel.c").write_text("int x;\n")
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "new.c").write_text("int y;\n")
    (tmp_path / ".gitignore").write_text("/build/\n")
    return tmp_path


def test_whatever_git_does_not_ignore_is_part_of_the_tree(tree: Path) -> None:
    seen = [tree_identity(tree)]
    (tree / "new.c").write_text("int z;\n")
    seen.append(tree_identity(tree))
    (tree / "kernel.c").unlink()
    seen.append(tree_identity(tree))
    (tree / "kernel.c").symlink_to("new.c")
    seen.append(tree_identity(tree))
    (tree / "new.c").chmod(0o755)
    seen.append(tree_identity(tree))
    (tree / "another.c").touch()
    seen.append(tree_identity(tree))
    assert len(set(seen)) == len(seen) and all(seen)
    (tree / "build").mkdir()
    (tree / "build" / "kernel").touch()
    assert tree_identity(tree) == seen[-1]


def test_without_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert tree_identity(tmp_path) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tree_identity(tmp_path) == ""


def test_names_are_kept_for_their_tree_alone(tmp_path: Path) -> None:
    first = Proved("a", tmp_path)
    for name in ("one", "two", "with a\nline"):
        first.add(name)
    first.close()
    assert Proved("a", tmp_path).names == {"one", "two"}
    assert Proved("b", tmp_path).names == Proved("", tmp_path).names == frozenset()


def test_a_kill_loses_few_names(tmp_path: Path) -> None:
    killed = Proved("a", tmp_path)
    for n in range(WRITE_AFTER + 1):
        killed.add(str(n))
    assert len(Proved("a", tmp_path).names) == WRITE_AFTER


def test_what_passed_on_a_tree_that_has_changed_is_not_kept(tmp_path: Path) -> None:
    same = True
    record = Proved("a", tmp_path, lambda: same)
    record.add("before")
    record.close()
    same = False
    record.add("meanwhile")
    record.close()
    same = True
    record.add("afterwards")
    record.close()
    assert Proved("a", tmp_path).names == {"before"}


@pytest.mark.parametrize("content", [b"", b"one\ntw", b"\xff\xfe\n", b"\0" * 100])
def test_a_damaged_record_costs_a_repetition(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert "two" not in Proved("a", tmp_path).names
    record = Proved("a", tmp_path)
    record.add("three")
    record.close()
    assert "two" not in Proved("a", tmp_path).names


def test_a_record_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    record = Proved("a", tmp_path / "file")
    record.add("one")
    record.close()


def test_old_trees_are_forgotten(tmp_path: Path) -> None:
    for n in range(TREES_MAX + 3):
        record = Proved(str(n), tmp_path)
        record.add("one")
        record.close()
        os.utime(tmp_path / str(n), (n + 1, n + 1))
    kept = {int(path.name) for path in tmp_path.iterdir()}
    assert kept == set(range(3, TREES_MAX + 3))


TESTS = """
import pytest

def test_right(): pass

def test_wrong(): assert False

def test_wrong_at_its_end(request):
    request.addfinalizer(lambda: 1 / 0)

@pytest.mark.skip
def test_skipped(): pass
"""
CONFTEST = """
from pathlib import Path
from grader.proved import Proved
from grader.tests.once import Once, ToldToWorkers

def pytest_configure(config):
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Once(None, frozenset(config.workerinput["proved"])))
        return
    before = Proved("tree", Path("record"))
    config.pluginmanager.register(Once(before, before.names))
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(ToldToWorkers(before.names))
"""


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]])
def test_what_has_passed_is_left_out_the_next_time(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: "list[str]"
) -> None:
    """And nothing else is: not what failed, at whatever point, nor what was skipped."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(CONFTEST)
    path = pytester.makepyfile(test_four=TESTS)
    first = pytester.runpytest_subprocess(*options)
    first.assert_outcomes(passed=2, failed=1, errors=1, skipped=1)
    second = pytester.runpytest_subprocess(*options)
    second.assert_outcomes(passed=1, failed=1, errors=1, skipped=1)
    path.write_text("def test_right(): pass\n")
    third = pytester.runpytest_subprocess(*options)
    assert third.ret == pytest.ExitCode.OK, "nothing is left to run, and that is no error"
