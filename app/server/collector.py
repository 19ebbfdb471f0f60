"""Memory of the process: garbage collection runs rarely, and free memory is given back."""

import ctypes
import gc

THRESHOLDS = (20_000, 20, 100)


def collect_rarely() -> None:
    """Set before the imports: almost nothing of what they make is garbage, and all was walked."""
    gc.set_threshold(*THRESHOLDS)


def freeze_startup_objects() -> None:
    """Exempt all objects of start-up from garbage collection: they live as long as the process."""
    gc.collect()
    gc.freeze()


def give_back_free_memory() -> None:
    """Give free pages back to the system; by itself, glibc does so only at the end of its heap."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
