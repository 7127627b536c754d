"""A simulated shop that tells whether experiments can be trusted.

`python -m benchmarks.experiments`: shoppers of unequal appetite come back for some weeks and order;
half of them see another variant, which changes how often they order by nothing or by 5 %. Somebody
looks every day, and stops at the first p-value of at most 0.05. Of experiments without effect those
that are stopped are false alarms; of those with one, their share is the power.
"""

from argparse import ArgumentParser
from dataclasses import dataclass

import numpy as np

from recommender.effect import sequential

_DAYS, _DAYS_BEFORE = 28, 28
# Orders of a shopper in the time of the experiment, and how unequal they are: 1 is exponential.
_ORDERS, _SHAPE = 2.0, 1.0
_BASKET, _SPREAD_OF_BASKETS = 3.5, 0.7  # log-normal


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many experiments ended with an alarm, and after how many days at the median."""

    experiments: int
    alarms: int
    days: float | None

    @property
    def rate(self) -> float:
        """The share with an alarm."""
        return self.alarms / self.experiments


def simulate(
    experiments: int, shoppers: int, lift: float, *, adjust: bool, revenue: bool = False
) -> Outcome:
    """Run experiments, each looked at every day.

    Args:
        lift: what the variant gains, as a share.
        adjust: whether by what each shopper did before (CUPED).
        revenue: whether money is compared, winsorised; else orders.
    """
    ends = [
        _first_alarm(np.random.default_rng([seed, shoppers]), shoppers, lift, adjust, revenue)
        for seed in range(experiments)
    ]
    stopped = [day for day in ends if day is not None]
    return Outcome(experiments, len(stopped), float(np.median(stopped)) if stopped else None)


def _first_alarm(
    rng: np.random.Generator, shoppers: int, lift: float, adjust: bool, revenue: bool
) -> int | None:
    appetite = rng.gamma(_SHAPE, _ORDERS / _SHAPE / _DAYS, shoppers)
    before = _did(rng, appetite * _DAYS_BEFORE, revenue)
    is_variant = rng.random(shoppers) < 0.5
    # Each is in it from the first day that they come.
    first = np.minimum(rng.geometric(np.clip(3 * appetite, 0.02, 1), shoppers), _DAYS)
    rate = appetite * np.where(is_variant, 1 + lift, 1)
    total = np.zeros(shoppers)
    for day in range(1, _DAYS + 1):
        here = first <= day
        total[here] += _did(rng, rate[here], revenue)
        values = sequential.winsorised(total[here]) if revenue else total[here]
        if adjust:
            values = sequential.cuped(values, before[here])
        found = sequential.compare(values[~is_variant[here]], values[is_variant[here]])
        if found is not None and found.p_value <= sequential.ALPHA:
            return day
    return None


def _did(rng: np.random.Generator, rate: sequential.Values, revenue: bool) -> sequential.Values:
    """Orders at these rates, or what they cost."""
    orders = rng.poisson(rate).astype(np.float64)
    if revenue:
        orders *= rng.lognormal(_BASKET, _SPREAD_OF_BASKETS, len(rate))
    return orders


def main() -> None:
    """Simulate and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--shoppers", type=int, default=40_000)
    options = parser.parse_args()
    print(f"{options.experiments} experiments of {options.shoppers:,} shoppers, {_DAYS} days")
    for revenue in (False, True):
        for adjust in (False, True):
            for lift in (0.0, 0.05):
                done = simulate(
                    options.experiments, options.shoppers, lift, adjust=adjust, revenue=revenue
                )
                kind = ("power" if lift else "false alarms", "revenue" if revenue else "orders")
                after = "" if done.days is None else f", after {done.days:.0f} days"
                how = "CUPED" if adjust else "plain"
                print(f"{kind[1]}, {how}, {lift:+.0%}: {kind[0]} {done.rate:.1%}{after}")


if __name__ == "__main__":
    main()
