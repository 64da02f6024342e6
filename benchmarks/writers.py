"""Writers that send to the limiting service until time is up: ours, and what people write by hand.

shared       Landbridge's client and the limit that all processes share through the hub
naive        threads that try again when refused, with exponential waits (tenacity)
sequential   one request after the other, waiting as long as the service says

python -m benchmarks.writers shared|naive|sequential ADDRESS --seconds 10 --threads 16 [--hub URL --rate 50]
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import requests
import tenacity

from landbridge.errors import RateLimited
from landbridge.http import Client
from landbridge.store.hub import Hub
from landbridge.store.quota import HubThrottle

BODY = {"text": "Press the green key.", "room": 3}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writers")
    parser.add_argument("how", choices=("shared", "naive", "sequential"))
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--hub")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--window", type=float, help="seconds, where the service counts strictly")
    parser.add_argument(
        "--at", type=float, default=0, help="when to begin, by the clock: several processes begin at once"
    )
    return parser.parse_args()


@contextmanager
def _shared(options: argparse.Namespace) -> Any:
    hub = Hub(options.hub)
    client = Client(options.address, throttle=HubThrottle(hub, "limited", rate=options.rate, window=options.window))

    def send() -> None:
        try:
            client.post("messages", json=BODY, marker="marker", safe=True)
        except RateLimited:
            pass  # its retries are used up: as the engine does, it goes on with the next

    yield send
    client.close()
    hub.close()


@contextmanager
def _naive(options: argparse.Namespace) -> Any:
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=options.threads))

    @tenacity.retry(wait=tenacity.wait_random_exponential(multiplier=0.1, max=2), stop=tenacity.stop_after_delay(30))
    def send() -> None:
        session.post(f"{options.address}/messages", json=BODY, timeout=30).raise_for_status()

    yield send
    session.close()


@contextmanager
def _sequential(options: argparse.Namespace) -> Any:
    session = requests.Session()

    def send() -> None:
        answer = session.post(f"{options.address}/messages", json=BODY, timeout=30)
        if answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))

    yield send
    session.close()


HOW: dict[str, Callable[[argparse.Namespace], Any]] = {"shared": _shared, "naive": _naive, "sequential": _sequential}


def main() -> None:
    options = _arguments()
    logging.getLogger("landbridge").setLevel(logging.ERROR)  # being refused is what is measured
    with HOW[options.how](options) as send:
        print("ready", flush=True)
        sys.stdin.readline()
        until = time.monotonic() + options.seconds

        def work() -> None:
            while time.monotonic() < until:
                send()

        threads = [threading.Thread(target=work) for _ in range(options.threads if options.how != "sequential" else 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(json.dumps({"cpu": time.process_time()}))


if __name__ == "__main__":
    main()
