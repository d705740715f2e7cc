"""The launcher: a small process in the sandbox that starts QEMU for the grader, and ends it.

    grader                     sandbox
    Launcher -- request ---->  serve() -- fork, exec --> QEMU
    Started  <-- status -----    |
             -- closed ----->    +------- SIGKILL ----->

A fork of the grader copies what the grader has in memory, and to build a sandbox takes as long again: for each machine
that was an eighth of a boot.  And nobody has to think of what is left behind, whoever dies, and at what moment: each
machine has a socket between the two, and the end of that is the end of the machine.

Half of QEMU's own start is the work of the dynamic linker.  Where it can be done (qemu_template.py), the launcher does it
once: it starts one QEMU that stops before main() and forks for each machine.  That one then holds the machine's socket.
Whatever fails there, the launcher starts QEMU itself, as it starts everything else.
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
import time
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from grader import sandbox
from grader.paths import ROOT

LENGTH = struct.Struct("<I")  # of a request, which is JSON behind it
READY = b"!"  # what it says when it is there
DESCRIPTORS_MAX = 32
NOT_STARTED = 127  # exit status, as a shell's
GONE = -signal.SIGKILL

Request = Dict[str, Any]  # what start() was told

# Of a template: its requests (struct request), the longest of them, and where it learns which socket they come from.  As
# in qemu_template.c.
TEMPLATE_HEAD = struct.Struct("=QQQII")
TEMPLATE_REQUEST_MAX = (128 << 10) - 1
TEMPLATE_SOCKET = "RUNG_TEMPLATE_SOCKET"
# Its arguments.  A QEMU that is not stopped before main() ends at once; the second one is room for machines' own.
TEMPLATE_ARGUMENTS = ["-version", "(template)".ljust(4 << 10)]
# How variables begin that may change from machine to machine, and mean nothing to QEMU or its libraries.
UNHEEDED = ("PYTEST_CURRENT_TEST", "RUNG_")


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
        template: str = "",
    ) -> Started:
        """Start a command (the first word is a path) in the sandbox, within limits (see sandbox.limits()), with these
        descriptors as its 0, 1, 2, 3, …  template: the object that makes a template of the command's program, which
        then forks; "": the program is started.  Raises OSError when the launcher is no more."""
        limits = {"memory": memory, "file_size": file_size, "cpu_seconds": cpu_seconds}
        request: Request = {"command": list(command), "environment": dict(environment)}
        request.update(limits=limits, template=template)
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
    *,
    memory: int,
    file_size: int,
    cpu_seconds: int,
    template: str = "",
) -> Tuple[bytes, int]:
    """Run a command as Launcher.start() does, with nothing to read and these descriptors as its 3, 4, …  Returns all
    that it writes, and its status.  Raises OSError when the launcher is no more."""
    reading, writing = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    with os.fdopen(reading, "rb") as output:
        try:
            ends = [nothing, writing, writing, *descriptors]
            started = launcher().start(
                command, ends, environment, memory, file_size, cpu_seconds, template
            )
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


def _spawn(
    command: Sequence[str],
    descriptors: Sequence[int],
    environment: Mapping[str, str],
    apply: Callable[[], None],
) -> int:
    """Start a command in a child that has called apply().  Returns the child's process id; the descriptors are closed
    here."""
    pid = os.fork()
    if pid == 0:
        _become(command, descriptors, environment, apply)
    for each in descriptors:
        os.close(each)
    return pid


def _become(
    command: Sequence[str],
    descriptors: Sequence[int],
    environment: Mapping[str, str],
    apply: Callable[[], None],
) -> NoReturn:
    """In a child: be what was asked for."""
    try:
        # First out of the way of the numbers that they are to have.
        away = [fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, DESCRIPTORS_MAX) for d in descriptors]
        for number, descriptor in enumerate(away):
            os.dup2(descriptor, number)
        signal.set_wakeup_fd(-1)
        # Python ignores the first two.
        for each in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(each, signal.SIG_DFL)
        apply()
        os.execve(command[0], list(command), environment)
    except (OSError, ValueError) as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
    finally:
        os._exit(NOT_STARTED)


class _Template:
    """The template of a launcher: one program, in one environment, stopped before its main().  It is started by the first
    request that allows it.  Requests wait until it is ready; when it ends, it has been the only one.
    """

    def __init__(self, selector: selectors.BaseSelector):
        self._selector = selector
        self._of: Optional[Tuple[object, ...]] = None
        self._socket: Optional[socket.socket] = None
        self._ready = False
        self._waiting: List[Tuple[Request, List[int]]] = []
        self._deadline = 0.0
        self.pid = 0

    def take(self, request: Request, descriptors: List[int]) -> bool:
        """Have it fork for a request, now or when it is ready.  False: the program is to be started."""
        of = self._what_of(request)
        if of is None:
            return False
        if self._of is None:
            self._of = of
            self._begin(request)
        if self._socket is None or of != self._of:
            return False
        if self._ready:
            return self._ask(request, descriptors)
        self._waiting.append((request, descriptors))
        return True

    @staticmethod
    def _what_of(request: Request) -> Optional[Tuple[object, ...]]:
        """What a template has to be of, to serve this request; None when none can."""
        path = request["command"][0]
        try:
            with open(path, "rb") as file:
                of = os.fstat(file.fileno())
                # A script's interpreter would become the template.
                if not request["template"] or file.read(4) != b"\x7fELF":
                    return None
        except OSError:
            return None
        environment = request["environment"].items()
        heeded = sorted(each for each in environment if not each[0].startswith(UNHEEDED))
        return request["template"], path, of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns, heeded

    def _begin(self, request: Request) -> None:
        environment = dict(request["environment"])
        preloaded = [request["template"], environment.get("LD_PRELOAD", "")]
        environment["LD_PRELOAD"] = ":".join(filter(None, preloaded))
        environment[TEMPLATE_SOCKET] = "3"
        try:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            descriptors = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
            descriptors.append(theirs.detach())
            command = [request["command"][0], *TEMPLATE_ARGUMENTS]
            self.pid = _spawn(command, descriptors, environment, sandbox.bound_to_us())
        except OSError:  # the host is short of something, or has no such sockets
            self._end()
            return
        self._deadline = time.monotonic() + sandbox.TRIAL_SECONDS
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def _end(self) -> None:
        if self._socket:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._socket)
            self._socket.close()
        self._socket = None

    def _ask(self, request: Request, descriptors: List[int]) -> bool:
        """Send it a request.  False when that does not work."""
        limits = request["limits"]
        words = request["command"]
        variables = [f"{name}={value}" for name, value in request["environment"].items()]
        head = TEMPLATE_HEAD.pack(
            *(limits[name] for name in ("memory", "file_size", "cpu_seconds")),
            len(words),
            len(variables),
        )
        body = head + b"".join(os.fsencode(each) + b"\0" for each in (*words, *variables))
        if self._socket is None or len(body) > TEMPLATE_REQUEST_MAX:
            return False
        try:
            socket.send_fds(self._socket, [body], descriptors, socket.MSG_DONTWAIT)
        except OSError:
            return False
        for each in descriptors:
            os.close(each)
        return True

    def hear(self) -> List[Tuple[Request, List[int]]]:
        """It is ready, or has ended.  Returns the requests that waited, and for which the program is to be started."""
        said = b""
        with contextlib.suppress(OSError):
            said = self._socket.recv(len(READY)) if self._socket else b""
        self._ready = said == READY
        if not self._ready:
            self._end()
        waiting, self._waiting = self._waiting, []
        return [each for each in waiting if not self._ask(*each)]

    def patience(self) -> Optional[float]:
        """For how many seconds may the launcher wait for what comes next?  None: for ever."""
        return max(0.0, self._deadline - time.monotonic()) if self._waiting else None

    def hurry(self) -> None:
        """End it if it does not get ready."""
        if self._waiting and self.pid and time.monotonic() >= self._deadline:
            os.kill(self.pid, signal.SIGKILL)


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
    template = _Template(selector)
    requests.sendall(READY)

    def start(request: Request, descriptors: List[int]) -> None:
        control, *given = descriptors
        apply = sandbox.limits(**request["limits"])
        pid = _spawn(request["command"], given, request["environment"], apply)
        controls[pid] = socket.socket(fileno=control)
        selector.register(controls[pid], selectors.EVENT_READ, pid)

    asked = True
    while asked:
        for key, _ in selector.select(template.patience()):
            if key.fileobj is requests:
                body, descriptors = _receive(requests)
                asked = bool(body)
                if not body:
                    break
                request = json.loads(body)
                if not template.take(request, descriptors):
                    start(request, descriptors)
            elif key.fileobj == woken:
                os.read(woken, 1 << 12)
            elif key.data is template:
                for each in template.hear():
                    start(*each)
            elif key.data in controls:
                os.kill(key.data, signal.SIGKILL)
                selector.unregister(key.fileobj)
        template.hurry()
        _tell_ends(controls, selector, template)
    for pid in [*controls, *filter(None, [template.pid])]:
        os.kill(pid, signal.SIGKILL)


def _tell_ends(
    controls: Dict[int, socket.socket], selector: selectors.BaseSelector, template: _Template
) -> None:
    """Reap who has ended, and tell their statuses."""
    while controls or template.pid:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        if pid == template.pid:
            template.pid = 0  # its socket tells the rest
            continue
        with controls.pop(pid) as control:
            with contextlib.suppress(KeyError):  # it is not listened to when it was to be killed
                selector.unregister(control)
            with contextlib.suppress(OSError):  # nobody wants to know
                control.sendall(str(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    handed_over = int(sys.argv[1])
    os.set_inheritable(handed_over, False)
    serve(socket.socket(fileno=handed_over))
