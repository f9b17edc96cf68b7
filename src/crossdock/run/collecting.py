"""How often the interpreter looks for cycles of objects, in a process that lives long and makes many."""

import gc

YOUNG_OBJECTS = 50_000
"""So many objects before the collector looks for cycles. Batches make and drop them by the hundred thousand, nearly all freed by their counts alone; at the
interpreter's 700, looking took a tenth of a worker's time, and now and then held up a server's answers. A process is some megabytes larger for it."""


def collect_seldom() -> None:
    """What is loaded stays, so the collector passes it over from now on, and looks at what is new less often. Call it when all is set up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
