"""A slow network line between two TUN interfaces, for kernels without the netem queue.

    slow-line.py LEFT RIGHT BITS_PER_SECOND DELAY_MS JITTER_MS LOSS_PERCENT

Packets are kept in order, wait their turn at the rate, and are dropped at random or when half a second is queued,
each direction by itself. Both interfaces live as long as this program; either may be moved to another namespace.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
MAX_QUEUE_S = 0.5
MAX_PACKET = 65536


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return fd


class Direction:
    """What one end's packets meet on their way to the other."""

    def __init__(self, target, line):
        self.target, self.line = target, line
        self.free_at = self.last_due = 0.0

    def due(self, size, now):
        """When a packet that comes now arrives, or None if it is lost."""
        rate, delay, jitter, loss = self.line
        begins = max(now, self.free_at)
        if random.random() < loss or begins - now > MAX_QUEUE_S:
            return None
        self.free_at = begins + size * 8 / rate
        arrives = self.free_at + max(0.0, random.gauss(delay, jitter / 2))
        self.last_due = max(self.last_due, arrives)
        return self.last_due


def read_all(fd, direction, flying):
    while True:
        try:
            packet = os.read(fd, MAX_PACKET)
        except (BlockingIOError, OSError):
            return
        due = direction.due(len(packet), time.monotonic())
        if due is not None:
            heapq.heappush(flying, (due, random.random(), direction.target, packet))


def deliver(flying):
    while flying and flying[0][0] <= time.monotonic():
        _, _, target, packet = heapq.heappop(flying)
        try:
            os.write(target, packet)
        except OSError:
            pass  # The interface is down or its queue is full: a line loses packets.


def main():
    left, right = open_tun(sys.argv[1]), open_tun(sys.argv[2])
    rate, delay_ms, jitter_ms, loss_percent = map(float, sys.argv[3:7])
    line = (rate, delay_ms / 1000, jitter_ms / 1000, loss_percent / 100)
    directions = {left: Direction(right, line), right: Direction(left, line)}
    flying = []
    print("ready", flush=True)
    while True:
        wait = max(0.0, flying[0][0] - time.monotonic()) if flying else None
        readable, _, _ = select.select([left, right], [], [], wait)
        for fd in readable:
            read_all(fd, directions[fd], flying)
        deliver(flying)


main()
