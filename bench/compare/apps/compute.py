"""Work for a processor, the same as in `compute.ts`: as many rounds as take a given time when nothing else runs."""

import time


def spin(rounds: int) -> int:
    x = 1
    for _ in range(rounds):
        x = (x * 48271) % 2147483647
    return x


def rounds_for(seconds: float) -> int:
    """The fastest of many tries tells how many rounds that are: what else runs only slows a try down."""
    fastest = min(_timed(10_000) for _ in range(60))
    return round(10_000 * seconds / fastest)


def _timed(rounds: int) -> float:
    started = time.perf_counter()
    spin(rounds)
    return time.perf_counter() - started
