# SPDX-License-Identifier: Apache-2.0
"""What a test orders to go wrong: one line in a file, read anew for each question.

    NAME AFTER TIMES    so many answers that hold events are whole, then so many are not (0: all from then on)

An empty file: nothing goes wrong.
"""
import threading
from pathlib import Path


class Faults:
    def __init__(self, path):
        self.path = Path(path)
        self.line = None
        self.count = 0
        self.lock = threading.Lock()

    def take(self):
        """The name of what is to go wrong with this answer, or None. Called once for each that holds events."""
        with self.lock:
            line = self.path.read_text().strip() if self.path.exists() else ""
            if line != self.line:
                self.line, self.count = line, 0
            if not line:
                return None
            name, after, times = line.split()
            self.count += 1
            past = self.count - int(after)
            return name if past > 0 and (int(times) == 0 or past <= int(times)) else None
