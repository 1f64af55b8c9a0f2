"""`python -m dcanas` is the `dcanas` command."""

import sys

from dcanas.cli import main

sys.exit(main())
