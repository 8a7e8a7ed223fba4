"""Hold some memory: every page is written, so that the kernel has really given it."""

import mmap

from chaos.faults.held.lifetime import begin, hold, ready

STEP = 1 << 20


def main() -> None:
    """Take `mib` MiB and keep them."""
    mib = int(begin().values["mib"])
    area = mmap.mmap(-1, mib * STEP)
    page = b"\x5a" * STEP  # not zeros: those could be shared or compressed away
    for _ in range(mib):
        area.write(page)
    ready()
    hold()


if __name__ == "__main__":
    main()
