"""The launcher: a small process in the sandbox that starts QEMU for the grader, and ends it.

    grader                     sandbox
    Launcher -- request ---->  serve() -- fork, exec --> QEMU
    Started  <-- status -----    |
             -- closed ----->    +------- SIGKILL ----->

A fork of the grader copies what the grader has in memory, and to build a sandbox takes as long again: for each machine
that was an eighth of a boot.  And nobody has to think of what is left behind, whoever dies, and at what moment: each
machine has a socket between the two, and the end of that is the end of the machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from typing import Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from grader import sandbox
from grader.paths import ROOT

LENGTH = struct.Struct("<I")  # of a request, which is JSON behind it
READY = b"!"  # what it says when it is there
DESCRIPTORS_MAX = 32
NOT_STARTED = 127  # exit status, as a shell's
GONE = -signal.SIGKILL


class Started:
    """A command that the launcher has been asked to start."""

    def __init__(self, control: socket.socket):
        self._control = control
        self.returncode: Optional[int] = None

    def kill(self) -> None:
        """End it with SIGKILL, if it has not ended."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def wait(self) -> int:
        """Wait for its end.  Returns its exit status, or minus the signal that has ended it."""
        if self.returncode is None:
            told = b""
            with self._control, contextlib.suppress(ConnectionError):
                while piece := self._control.recv(16):
                    told += piece
            self.returncode = int(told or GONE)
        return self.returncode


class Launcher:
    """A launcher of this process's own.  It ends when we do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a request is two messages
        prefix = sandbox.wrap_machine()
        why_not = self._begin(prefix) if prefix else sandbox.missing_reason()
        sandbox.note("machine", why_not)
        if why_not:
            failure = self._begin([])
            if failure:
                raise OSError(f"the launcher does not start: {failure}")

    def _begin(self, prefix: Sequence[str]) -> str:
        """Start it under this prefix.  Returns why that does not work, or "" once it has said that it is there."""
        import tempfile  # the process that is started here begins with this file, too

        self._requests, theirs = socket.socketpair()
        with tempfile.TemporaryFile() as complaints:
            with theirs:
                try:
                    process = subprocess.Popen(
                        [*prefix, sys.executable, "-E", "-S", "-m", __name__, str(theirs.fileno())],
                        cwd=ROOT,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=complaints,
                        pass_fds=(theirs.fileno(),),
                        start_new_session=True,  # a ^C of the terminal does not reach it
                    )
                except OSError as error:
                    self._requests.close()
                    return f"{prefix[0] if prefix else sys.executable}: {error.strerror}"
            self._requests.settimeout(sandbox.TRIAL_SECONDS)
            try:
                if self._requests.recv(len(READY)) == READY:
                    self._requests.settimeout(None)
                    process.returncode = 0  # nobody waits for it: it ends when we do
                    return ""
                status = process.wait(sandbox.TRIAL_SECONDS)
                complaints.seek(0)
                why_not = sandbox.complaint(complaints.read(), status)
            except (socket.timeout, subprocess.TimeoutExpired):
                why_not = f"no answer within {sandbox.TRIAL_SECONDS} s"
            except OSError as error:
                why_not = str(error)
            sandbox.end_session(process)
            self._requests.close()
            return why_not

    def start(
        self,
        command: Sequence[str],
        descriptors: Sequence[int],
        environment: Mapping[str, str],
        memory: int,
        file_size: int,
        cpu_seconds: int,
    ) -> Started:
        """Start a command (the first word is a path) in the sandbox, within limits (see sandbox.limits()), with these
        descriptors as its 0, 1, 2, 3, …  Raises OSError when the launcher is no more."""
        limits = {"memory": memory, "file_size": file_size, "cpu_seconds": cpu_seconds}
        request = {"command": list(command), "environment": dict(environment), "limits": limits}
        body = json.dumps(request).encode()
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            socket.send_fds(
                self._requests, [LENGTH.pack(len(body))], [theirs.fileno(), *descriptors]
            )
            self._requests.sendall(body)
        return Started(ours)


# By the process whose it is: one that was forked needs its own.
_launchers: Dict[int, Launcher] = {}
_launchers_lock = threading.Lock()


def launcher() -> Launcher:
    """This process's launcher."""
    with _launchers_lock:
        if os.getpid() not in _launchers:
            _launchers[os.getpid()] = Launcher()
        return _launchers[os.getpid()]


def output_of(
    command: Sequence[str],
    descriptors: Sequence[int],
    environment: Mapping[str, str],
    **limits: int,
) -> Tuple[bytes, int]:
    """Run a command as Launcher.start() does, with nothing to read and these descriptors as its 3, 4, …  Returns all
    that it writes, and its status.  Raises OSError when the launcher is no more."""
    reading, writing = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    with os.fdopen(reading, "rb") as output:
        try:
            ends = [nothing, writing, writing, *descriptors]
            started = launcher().start(command, ends, environment, **limits)
        finally:
            os.close(nothing)
            os.close(writing)
        return output.read(), started.wait()


# ---- in the sandbox --------------------------------------------------------------------------


def _receive(requests: socket.socket) -> Tuple[bytes, List[int]]:
    """The next request, and the descriptors that came with it; nothing when nobody is there to ask."""
    head, descriptors, _, _ = socket.recv_fds(requests, LENGTH.size, DESCRIPTORS_MAX)
    for each in descriptors:
        os.set_inheritable(each, False)
    if len(head) < LENGTH.size:
        return b"", descriptors
    (missing,) = LENGTH.unpack(head)
    body = b""
    while missing > len(body) and (piece := requests.recv(missing - len(body))):
        body += piece
    return body if len(body) == missing else b"", descriptors


def _become(body: bytes, descriptors: Sequence[int]) -> NoReturn:
    """In a child: be what was asked for."""
    request = json.loads(body)
    try:
        # First out of the way of the numbers that they are to have.
        away = [fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, DESCRIPTORS_MAX) for d in descriptors]
        for number, descriptor in enumerate(away):
            os.dup2(descriptor, number)
        signal.set_wakeup_fd(-1)
        # Python ignores the first two.
        for each in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(each, signal.SIG_DFL)
        sandbox.limits(**request["limits"])()
        os.execve(request["command"][0], request["command"], request["environment"])
    except (OSError, ValueError) as error:
        os.write(2, f"{request['command'][0]}: {error}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def serve(requests: socket.socket) -> None:
    """Do what is asked for until nobody is there any more; then nothing is left of it."""
    controls: Dict[int, socket.socket] = {}  # by process id
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake)
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    requests.sendall(READY)
    asked = True
    while asked:
        for key, _ in selector.select():
            if key.fileobj is requests:
                body, descriptors = _receive(requests)
                asked = bool(body)
                if not body:
                    break
                control, *given = descriptors
                pid = os.fork()
                if pid == 0:
                    _become(body, given)
                for each in given:
                    os.close(each)
                controls[pid] = socket.socket(fileno=control)
                selector.register(controls[pid], selectors.EVENT_READ, pid)
            elif key.fileobj == woken:
                os.read(woken, 1 << 12)
            elif key.data in controls:
                os.kill(key.data, signal.SIGKILL)
                selector.unregister(key.fileobj)
        _tell_ends(controls, selector)
    for pid in controls:
        os.kill(pid, signal.SIGKILL)


def _tell_ends(controls: Dict[int, socket.socket], selector: selectors.BaseSelector) -> None:
    """Reap who has ended, and tell their statuses."""
    while controls:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        with controls.pop(pid) as control:
            with contextlib.suppress(KeyError):  # it is not listened to when it was to be killed
                selector.unregister(control)
            with contextlib.suppress(OSError):  # nobody wants to know
                control.sendall(str(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    handed_over = int(sys.argv[1])
    os.set_inheritable(handed_over, False)
    serve(socket.socket(fileno=handed_over))
