"""Waiting for what happens elsewhere, as long as it takes and no longer."""

import time

PATIENCE = 60  # seconds: more than a loaded machine needs for anything here; reached only by what hangs
LOOK_EVERY = 0.01


def wait_until(what, condition, seconds=PATIENCE):
    """What `condition` gives as soon as it is true; fails after some seconds."""
    give_up = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(LOOK_EVERY)
