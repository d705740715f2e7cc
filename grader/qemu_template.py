"""The object that makes a template of QEMU (qemu_template.c), compiled for this host where that is possible.

It is no requirement.  Without a C compiler, or with RUNG_TEMPLATE=off, each QEMU is started from its beginning, which takes
longer and has the same results.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
from pathlib import Path

from grader import bounded, sandbox
from grader.paths import BUILD, ROOT

SOURCE = ROOT / "grader" / "qemu_template.c"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC")
COMPILERS = ("cc", "gcc", "clang")
COMPILER_SECONDS = 60
COMPILER_MEMORY = 2 << 30
COMPILER_FILE = 16 << 20
SAID_MAX = 64 << 10
SEPARATORS = " :;$"  # what LD_PRELOAD cannot have in a path: ld.so(8)


def library() -> str:
    """The path of the object, as LD_PRELOAD is to have it in the tree's directory; "" when templates are not to be used.

    RUNG_TEMPLATE=off switches them off, for tests of what holds without them.
    """
    if sys.platform != "linux" or os.environ.get("RUNG_TEMPLATE") == "off":
        return ""
    return _built()


@functools.lru_cache(maxsize=None)
def _built() -> str:
    compiler = next((name for name in COMPILERS if shutil.which(name)), "")
    if not compiler:
        return ""
    try:
        path = build(compiler, BUILD / "host")
        # Empty: this compiler has refused it before.
        if path.stat().st_size == 0:
            return ""
    except (OSError, bounded.TooLong):
        return ""
    shown = os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)
    return "" if any(each in shown for each in SEPARATORS) else shown


def build(compiler: str, directory: Path) -> Path:
    """Compile the object, unless it is there.  Returns its path; the file is empty when the compiler does not compile it."""
    real = Path(shutil.which(compiler) or compiler).resolve()
    of = real.stat()
    key = repr((SOURCE.read_bytes(), FLAGS, str(real), of.st_size, of.st_mtime_ns))
    path = directory / f"qemu_template-{hashlib.sha256(key.encode()).hexdigest()[:16]}.so"
    if not path.is_file():
        directory.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            command = [compiler, *FLAGS, "-o", str(temporary), str(SOURCE), "-ldl", "-lpthread"]
            apply = sandbox.limits(
                COMPILER_MEMORY, COMPILER_FILE, COMPILER_SECONDS, own_session=False
            )
            _, status = bounded.run(command, SAID_MAX, COMPILER_SECONDS, apply=apply)
            if status != 0:
                temporary.write_bytes(b"")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path
