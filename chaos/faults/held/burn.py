"""Keep one core busy."""

from chaos.faults.held.lifetime import begin, ready


def main() -> None:
    """Count for ever."""
    begin()
    ready()
    number = 0
    while True:
        number = (number * 1103515245 + 12345) % 2147483648


if __name__ == "__main__":
    main()
