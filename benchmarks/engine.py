"""One run of the engine in a process of its own, as a task of Airflow makes it: `python -m benchmarks.engine --help`.

Its last line is JSON: what each step did and took.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.company import COMPANY, NOWHERE
from landbridge.connector import Connection
from landbridge.sync import Bridge, guard, load_company, merge, open_bridge, plan, read, write


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="read, merge, plan, write")
    parser.add_argument("--hub", required=True, help="URL of the hub")
    parser.add_argument("--source", default=NOWHERE, help="address of the source")
    parser.add_argument("--target", default=NOWHERE, help="address of the target")
    parser.add_argument("--home", type=Path, default=COMPANY, help="the company's folder")
    parser.add_argument("--read", nargs="*", default=[], help="streams to read, e.g. users")
    parser.add_argument("--full", action="store_true", help="read in full")
    parser.add_argument("--merge", nargs="*", default=[], help="flows to merge")
    parser.add_argument("--plan", nargs="*", default=[], help="flows to plan")
    parser.add_argument("--write", nargs="*", default=[], help="flows to guard and write")
    parser.add_argument("--profile", type=Path, help="write a CPU profile here and print its top functions")
    parser.add_argument("--top", type=int, default=35, help="how many functions to print")
    return parser.parse_args()


def _step(action: Callable[[], Any]) -> dict[str, Any]:
    wall, cpu = time.monotonic(), time.process_time()
    done = action()
    return {
        "seconds": round(time.monotonic() - wall, 3), "cpu": round(time.process_time() - cpu, 3),
        "counts": dict(done.counts), "reason": done.reason,
    }  # fmt: skip


def _steps(bridge: Bridge, options: argparse.Namespace) -> dict[str, Any]:
    steps = {}
    for stream in options.read:
        steps[f"read {stream}"] = _step(partial(read, bridge, "source", stream, full=options.full))
    for flow in options.merge:
        steps[f"merge {flow}"] = _step(partial(merge, bridge, flow))
    for flow in options.plan:
        steps[f"plan {flow}"] = _step(partial(plan, bridge, flow))
    for flow in options.write:
        for number, batch in enumerate(guard(bridge, flow, plan(bridge, flow).run).free):
            steps[f"write {flow} {number}"] = _step(partial(write, bridge, flow, batch))
    return steps


def main() -> None:
    options = _arguments()
    hosts = {"source": options.source, "target": options.target}
    company = load_company(options.home)
    with open_bridge(company, lambda id: Connection(id, "bench", host=hosts[id]), options.hub) as bridge:
        steps = _profiled(bridge, options) if options.profile else _steps(bridge, options)
    print(json.dumps({"steps": steps, "cpu": time.process_time()}))


def _profiled(bridge: Bridge, options: argparse.Namespace) -> dict[str, Any]:
    # Not imported where the start is measured.
    import cProfile
    import pstats

    with cProfile.Profile() as profile:
        steps = _steps(bridge, options)
    profile.dump_stats(options.profile)
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile, stream=sys.stderr).sort_stats(order).print_stats(options.top)
    return steps


if __name__ == "__main__":
    main()
