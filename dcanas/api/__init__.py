"""The product from Python, whose names `dcanas` exports; no Hydra and no terminal below this floor."""

import os

# Threads that wait busily for each other slow a step tenfold if another program wants a core.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # read once, when torch is loaded
