"""`python -m dcanas` is the `dcanas` command."""

import sys

from dcanas.cli.main import main

sys.exit(main())
