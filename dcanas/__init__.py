"""Budget in, certificate out: a network for your images within the limits of a device.

>>> import dcanas
>>> run = dcanas.run("photos", device="local-cpu", budget={"latency_ms": 8, "weight_bytes": "500 kB"})  # doctest: +SKIP
>>> run.certificate.met, run.onnx, run.predict(images)  # doctest: +SKIP

Everything is imported when it is first used: `import dcanas` itself imports neither torch nor numpy.
"""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy
from dcanas.basics.version import __version__

if TYPE_CHECKING:
    from dcanas.api.certificate import Accuracy, Certificate, Row
    from dcanas.api.feasibility import feasibility
    from dcanas.api.lists import (
        list_costs,
        list_data,
        list_devices,
        list_experiments,
        list_proxies,
        list_recipes,
        list_searches,
        list_spaces,
    )
    from dcanas.api.network import Network
    from dcanas.api.result import Run, load
    from dcanas.api.run import derive, run
    from dcanas.api.score import score
    from dcanas.basics.errors import BudgetError, Stopped, UserError
    from dcanas.basics.hooks import Hooks

__all__ = ["Accuracy", "BudgetError", "Certificate", "Hooks", "Network", "Row", "Run", "Stopped", "UserError",
           "__version__", "derive", "feasibility", "list_costs", "list_data", "list_devices", "list_experiments",
           "list_proxies", "list_recipes", "list_searches", "list_spaces", "load", "run", "score"]

__getattr__ = lazy(__name__)
