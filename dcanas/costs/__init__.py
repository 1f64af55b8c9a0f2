"""What an architecture costs: exact counts, live memory, linear and tabular costs, budgets and their feasibility."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.costs.budget import Budget
    from dcanas.costs.counts import Counts, count_architecture
    from dcanas.costs.feasibility import Feasibility, feasibility
    from dcanas.costs.linear import LinearCost, linear_counts
    from dcanas.costs.model import CostModel, Domain, Networks
    from dcanas.costs.network import count_macs, count_network
    from dcanas.costs.sources import count_costs
    from dcanas.costs.tabular import TabularCost, peak_cost
    from dcanas.costs.units import COSTS, cost_unit, explain_limit, parse_limit
    from dcanas.costs.within_groups import within_groups

__getattr__ = lazy(__name__)
