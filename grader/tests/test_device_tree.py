"""The device tree that graded machines get: QEMU's, without what nobody asks for."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import List, Union

import pytest

from grader import device_tree
from grader.paths import GraderError

Node = List[Union[str, "Node"]]  # its name, its properties (names alone), the nodes below it

BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
VALUES = {"a": b"", "b": b"\1\2\3", "c": b"12345678"}
NAMES = b"a\0b\0c\0"  # of properties
RESERVED = struct.pack(">4Q", 0x80000000, 0x1000, 0, 0)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def word(value: int) -> bytes:
    return struct.pack(">I", value)


def structure(node: Node) -> bytes:
    """A node as the specification has it (chapter 5.4), with a NOP before its end."""
    block = word(BEGIN_NODE) + padded(str(node[0]).encode() + b"\0")
    for each in node[1:]:
        if isinstance(each, str):
            value = VALUES[each]
            block += word(PROPERTY) + word(len(value)) + word(NAMES.index(each.encode()))
            block += padded(value)
        else:
            block += structure(each)
    return block + word(NOP) + word(END_NODE)


def tree(root: Node, slack: int = 0) -> bytes:
    """A whole tree; slack: how many bytes there are that belong to nothing."""
    block = structure(root) + word(END)
    at = 40 + len(RESERVED)
    total = at + len(block) + len(NAMES) + slack
    header = (0xD00DFEED, total, at, at + len(block), 40, 17, 16, 7, len(NAMES), len(block))
    return struct.pack(">10I", *header) + RESERVED + block + NAMES + bytes(slack)


def test_nodes_go_with_all_that_is_below_them() -> None:
    whole: Node = [
        "",
        "a",
        "b",
        ["pci@30000000", "c", ["pci@0", "a"], ["cpu", "b"]],
        ["cpu@0", "c"],
    ]
    assert device_tree.without(tree(whole, slack=1000), frozenset(["pci"])) == tree(
        ["", "a", "b", ["cpu@0", "c"]]
    )
    nested: Node = ["", ["soc", ["rtc@1"], ["serial@2", "a"], ["rtc@3", ["rtc", "b"], "c"]], "c"]
    assert device_tree.without(tree(nested), frozenset(["rtc", "pci"])) == tree(
        ["", ["soc", ["serial@2", "a"]], "c"]
    )


def test_only_whole_names_count() -> None:
    whole: Node = ["", ["pci-bridge@1", "a"], ["pc@2"], ["PCI@3", "b"], ["bus@pci", "c"]]
    assert device_tree.without(tree(whole, slack=4), frozenset(["pci", "a", "b"])) == tree(whole)


@pytest.mark.parametrize(
    "blob, said",
    [
        (b"", "it has 0 bytes"),
        (b"x" * 50, "it begins with 0x78787878"),
        (tree([""]).replace(word(NOP), word(5)), "token 5 at byte"),
    ],
)
def test_what_is_no_tree_is_refused(blob: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        device_tree.without(blob, frozenset())


def test_the_machines_tree_has_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_tree, "TREES", tmp_path / "trees")
    path = device_tree.of_machine(48)
    blob = path.read_bytes()
    for name in ("memory@80000000", "cpu@0", "chosen", "serial@", "clint@", "plic@", "poweroff"):
        assert name.encode() in blob, name
    for name in ("pci@", "flash@", "virtio_mmio@", "pmu", "fw-cfg@", "rtc@", "cpu-map"):
        assert name.encode() not in blob, name
    assert struct.pack(">QQ", 0x80000000, 48 << 20) in blob  # where memory is, and how much
    assert len(blob) == struct.unpack_from(">I", blob, 4)[0] < 4096
    # It is made once for each size of memory, and would be the same again.
    before = path.stat().st_mtime_ns
    assert device_tree.of_machine(48) == path and path.stat().st_mtime_ns == before
    assert device_tree.of_machine(64) != path
    assert len(list(path.parent.iterdir())) == 2
    monkeypatch.setattr(device_tree, "TREES", tmp_path / "others")
    assert device_tree.of_machine(48) != path and device_tree.of_machine(48).read_bytes() == blob


@pytest.mark.parametrize(
    "script, said",
    [
        ("echo 'unsupported machine type' >&2; exit 1", "unsupported machine type"),
        ("exit 1", "no reason given"),
        ("exit 0", "No such file or directory"),
        ('f=${2#*dumpdtb=}; echo nonsense, and more of it than a header has > "$f"', "it begins"),
    ],
)
def test_a_qemu_without_a_tree_is_named(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu = tmp_path / "bin" / "qemu-system-riscv64"
    qemu.parent.mkdir()
    qemu.write_text(f"#!/bin/sh\n{script}\n")
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{qemu.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(device_tree, "TREES", tmp_path / "trees")
    with pytest.raises(GraderError) as raised:
        device_tree.of_machine(48)
    assert f"{qemu} does not tell its device tree: " in str(raised.value)
    assert said in str(raised.value) and "\n" not in str(raised.value)
    assert not list((tmp_path / "trees").iterdir())
