"""pytest --once: tests that have passed before, on this very tree and with these very tools, are left out (proved.py)."""

from __future__ import annotations

from typing import Any, FrozenSet, List, Optional, Set

import pytest

from grader.proved import Proved


class Once:
    """A plugin of pytest's, with and without xdist.

    proved: what passed before; None in a worker of xdist's, which is told by names, and leaves it to the controller
    to add to them."""

    def __init__(self, proved: Optional[Proved], names: FrozenSet[str]):
        self._proved, self._names = proved, names
        self._left_out = 0
        self._passed: Set[str] = set()

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: List[pytest.Item]
    ) -> None:
        left_out = [item for item in items if item.nodeid in self._names]
        items[:] = [item for item in items if item.nodeid not in self._names]
        self._left_out = len(left_out)
        config.hook.pytest_deselected(items=left_out)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)
        elif self._proved and report.when == "teardown" and report.passed:
            if report.nodeid in self._passed:
                self._proved.add(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._proved:
            self._proved.close()
        # Nothing left to run is no error.
        if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._names:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._proved and self._names:
            terminalreporter.write_line(
                f"{len(self._names):,} tests and wrong kernels have passed before on this very tree:"
                " STORE=off runs all of them"
            )


class ToldToWorkers:
    """Tells xdist's workers which tests are left out: all have to agree on what there is to run."""

    def __init__(self, names: FrozenSet[str]):
        self._names = names

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["proved"] = sorted(self._names)
