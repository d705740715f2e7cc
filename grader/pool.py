"""Workers: forks of this process that run one test after another, each on the kernel that it is told.

A fork takes a millisecond; a fresh Python with pytest half a second.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import selectors
import signal
import socket
import struct
import sys
from typing import Callable, Dict, Generic, Iterator, List, NoReturn, Optional, Tuple, TypeVar

from grader import sandbox, store
from grader.paths import GraderGaveUp

Order = TypeVar("Order")
Answer = TypeVar("Answer")

LENGTH = struct.Struct("<I")  # before each message on a channel


class Pool(Generic[Order, Answer]):
    """Forked workers, each with a channel of its own.

    work: what a worker does with an order, in the worker.  Orders and answers have to be picklable.  Raises OSError
    when the host has no process or channel left.
    """

    def __init__(self, work: Callable[[Order], Answer], size: int):
        self.idle: List[socket.socket] = []
        self.busy: Dict[socket.socket, Order] = {}
        self._children: List[int] = []
        self._selector = selectors.DefaultSelector()
        sys.stdout.flush()
        try:
            for _ in range(size):
                self._fork(work)
        except OSError:
            self.close()
            raise

    def _fork(self, work: Callable[[Order], Answer]) -> None:
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            try:
                ours.close()
                _serve(work, theirs)
            finally:
                os._exit(1)
        theirs.close()
        self._children.append(pid)
        self.idle.append(ours)
        self._selector.register(ours, selectors.EVENT_READ)

    def begin(self, order: Order) -> None:
        """Hand an order to an idle worker."""
        channel = self.idle.pop()
        self.busy[channel] = order
        _send(channel, order)

    def collect(self) -> List[Tuple[Order, Answer]]:
        """Wait for at least one busy worker's answer.  Raises GraderGaveUp when a worker has died."""
        collected: List[Tuple[Order, Answer]] = []
        ready = {key.fileobj for key, _ in self._selector.select()}
        for channel, order in list(self.busy.items()):
            if channel in ready:
                answer, held, runs = _receive(channel)
                sandbox.merge(held)
                store.merge(runs)
                del self.busy[channel]
                self.idle.append(channel)
                collected.append((order, answer))
        return collected

    def carry_out(
        self, next_order: Callable[[], Optional[Order]]
    ) -> Iterator[Tuple[Order, Answer]]:
        """Hand out orders as workers become idle, until there are none; each order with its answer, as they come.

        next_order: None when there is none now; it is asked again after each answer."""
        while True:
            while self.idle:
                order = next_order()
                if order is None:
                    break
                self.begin(order)
            if not self.busy:
                return
            yield from self.collect()

    def close(self) -> None:
        """End the workers; busy ones take their machines with them."""
        unfinished = bool(self.busy)
        for channel in [*self.idle, *self.busy]:
            channel.close()
        for pid in self._children:
            if unfinished:
                os.kill(pid, signal.SIGTERM)
        for pid in self._children:
            os.waitpid(pid, 0)
        self._selector.close()


def _leave(_number: int, _frame: object) -> None:
    os._exit(130)


def _serve(work: Callable[[Order], Answer], channel: socket.socket) -> NoReturn:
    """A worker's life: take an order, carry it out, send the answer, until nobody is there to order anything."""
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    gc.freeze()  # what was there before the fork stays, and need not be looked at again
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    while True:
        try:
            order = _receive(channel)
        except GraderGaveUp:
            os._exit(0)
        answer = work(order)
        _send(channel, (answer, sandbox.how(), store.take_counts()))


def _send(channel: socket.socket, message: object) -> None:
    data = pickle.dumps(message)
    channel.sendall(LENGTH.pack(len(data)) + data)


def _receive(channel: socket.socket):  # type: ignore[no-untyped-def]  # whatever has been sent
    """The next message; GraderGaveUp when the other end is gone."""

    def exactly(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = channel.recv(size - len(data))
            if not piece:
                raise GraderGaveUp("a worker of the grader ended unexpectedly")
            data += piece
        return bytes(data)

    return pickle.loads(exactly(LENGTH.unpack(exactly(LENGTH.size))[0]))
