# SPDX-License-Identifier: MIT
"""Boot one scenario again and again: soak.py NAME [--boots N] [--jobs N]

The disks are made once and never written to, so that every boot starts from the same bytes.
The first boot that does not pass ends it, and its log and the disks stay.
"""

import argparse
import statistics
import sys
import threading
import time

import scenario


class Soak:
    def __init__(self, name, boots):
        self.shop = scenario.Workshop(name)
        self.disks = self.shop.disks()
        self.boots = boots
        self.started, self.seconds, self.failure = 0, [], None
        self.lock = threading.Lock()

    def next_boot(self):
        """The number of the boot that is to be done now; None at the end."""
        with self.lock:
            if self.failure or self.started == self.boots:
                return None
            self.started += 1
            return self.started

    def passed(self, seconds):
        with self.lock:
            self.seconds.append(seconds)
            if len(self.seconds) % 25 == 0:
                print(f"{len(self.seconds)} of {self.boots} passed", flush=True)

    def failed(self, number, error):
        with self.lock:
            if not self.failure:
                self.failure = f"boot {number} of {self.boots}: {error}"

    def run(self, job):
        """One after the other, as many as there are jobs beside each other."""
        while (number := self.next_boot()) is not None:
            begin = time.monotonic()
            try:
                scenario.judge(self.shop, self.disks, self.shop.work / f"job{job}", ["-snapshot"])
            except Exception as error:      # whatever it was, it was not a pass
                self.failed(number, error)
                return
            self.passed(time.monotonic() - begin)

    def report(self):
        text = f"{self.shop.name}: {len(self.seconds)} of {self.boots} boots passed"
        if self.seconds:
            text += (f"; seconds for one: median {statistics.median(self.seconds):.1f}, "
                     f"least {min(self.seconds):.1f}, most {max(self.seconds):.1f}")
        return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=scenario.names(), metavar="NAME")
    parser.add_argument("--boots", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    try:
        soak = Soak(args.name, args.boots)
    except scenario.Failure as error:
        print(f"soak.py: {error}", file=sys.stderr)
        return 1
    threads = [threading.Thread(target=soak.run, args=(job,), daemon=True)
               for job in range(args.jobs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        print(soak.report())
        return 130
    print(soak.report())
    if soak.failure:
        print(soak.failure, file=sys.stderr)
        return 1
    soak.shop.remove(soak.disks)
    return 0


sys.exit(main())
