"""The ``bfc`` command, also as ``python -m bfc``."""

import sys

from . import _bfc


def main() -> int:
    return _bfc.run_command([sys.executable, "-m", "bfc"], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
