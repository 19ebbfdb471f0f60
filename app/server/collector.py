"""The garbage collector: runs rarely, and never over what the start has made."""

import gc

THRESHOLDS = (20_000, 20, 100)


def collect_rarely() -> None:
    """Set before the imports: almost nothing of what they make is garbage, and all was walked."""
    gc.set_threshold(*THRESHOLDS)


def freeze_startup_objects() -> None:
    """Exempt all objects of start-up from garbage collection: they live as long as the process."""
    gc.collect()
    gc.freeze()
