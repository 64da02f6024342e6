"""`python -m tests.mutations`: take out what keeps each promise, and see that its tests fail."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutations.run import judge, judge_on_servers
from tests.mutations.table import PAGE, load, page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--promise", type=int, help="only those of this promise (1 to 15)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (2)")
    parser.add_argument("--servers", action="store_true", help="on real servers, one at a time (minutes each)")
    parser.add_argument("--page", action="store_true", help=f"only write {PAGE.name} from the list")
    options = parser.parse_args()
    mutations = load()
    if options.page:
        PAGE.write_text(page(mutations), encoding="utf-8")
        return 0
    chosen = [
        one for one in mutations if options.promise in (None, one.promise) and (one.servers or not options.servers)
    ]
    judged, jobs = (judge_on_servers, 1) if options.servers else (judge, options.jobs)
    survivors = 0
    with ThreadPoolExecutor(jobs) as pool:
        for number, verdict in enumerate(pool.map(judged, chosen), 1):
            survivors += not verdict.caught
            state = "caught  " if verdict.caught else "SURVIVED"
            print(f"[{number}/{len(chosen)}] promise {verdict.mutation.promise:2} {state} {verdict.mutation.removed}")
            for name in verdict.survived:
                print(f"      passed all the same: {name}")
            for name, how in verdict.failed.items() if options.servers else ():
                print(f"      failed: {name}: {how}")
            sys.stdout.flush()
    print(f"{len(chosen) - survivors} of {len(chosen)} were caught.")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
