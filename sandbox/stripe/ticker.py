"""Real time passing: one thread that sleeps until the next renewal, retry or expiry of what is on no test clock."""

import threading
import time
import traceback

from sandbox.stripe.lifecycle import cycle
from sandbox.stripe.world import World

LONGEST_SLEEP = 3600.0


class Ticker(threading.Thread):
    def __init__(self, world: World):
        super().__init__(name="stripe-ticker", daemon=True)
        self.world, self.wake, self.stopped = world, threading.Event(), False

    def run(self) -> None:
        while not self.stopped:
            self.wake.clear()
            with self.world.lock:
                due = cycle.next_due(self.world, None)
            pause = LONGEST_SLEEP if due is None else due.at - time.time()
            if pause > 0:
                self.wake.wait(min(pause, LONGEST_SLEEP))
                continue
            try:
                with self.world.turn():
                    cycle.run_until(self.world, None, int(time.time()))
            except Exception:
                # One object that cannot go on must not stop the server; the log says which.
                traceback.print_exc()
                self.wake.wait(60.0)

    def stop(self) -> None:
        """This function will end the thread."""
        self.stopped = True
        self.wake.set()
