"""How much of a sweep's best is luck: the deflated Sharpe ratio.

The best of N variants without any skill is expected to have a Sharpe ratio above zero, and the more so the larger N is
and the more the variants differ. The deflated Sharpe ratio is the probability that the best one's true Sharpe ratio is
above that, instead of above zero.

Source: Bailey and López de Prado, The Deflated Sharpe Ratio (2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from riskcontrol.statistics import Record
from riskcontrol.statistics.days import DAYS_A_YEAR
from riskcontrol.statistics.record import Floats
from riskcontrol.statistics.risk import probability_above, sharpe

WANTED = 0.95
"""Least deflated Sharpe ratio with which the best of a sweep is taken for more than luck."""

_GAMMA = float(np.euler_gamma)


@dataclass(frozen=True, slots=True)
class Luck:
    """What is known of the luck in a sweep's best variant.

    Attributes:
        variants: How many variants trade.
        rated: How many of those have a Sharpe ratio: the N of `expected`.
        gain: What the best one made, a fraction.
        sharpe: The best one's Sharpe ratio, yearly; None where it has none.
        expected: The one that the best of so many without skill is expected to have; None where the best has none, and
            of fewer than two.
        probability: The deflated Sharpe ratio; None without `expected`, and where the best's ratio has no error.
    """

    variants: int
    rated: int
    gain: float
    sharpe: float | None = None
    expected: float | None = None
    probability: float | None = None

    @property
    def warns(self) -> bool:
        """Whether the best looks good, was chosen among others, and may be no more than luck.

        >>> [Luck(9, 9, 0.1, 2.0, 1.0, chance).warns for chance in (0.94, 0.95)]
        [True, False]
        >>> Luck(9, 0, 0.1).warns, Luck(1, 0, 0.1).warns, Luck(9, 0, -0.1).warns
        (True, False, False)
        """
        return self.variants > 1 and self.gain > 0 and (self.probability is None or self.probability < WANTED)


def expected_best(ratios: Floats) -> float:
    """Return the Sharpe ratio that the best of variants without skill is expected to have.

    Formula: √V × ((1 − γ) Φ⁻¹(1 − 1 / N) + γ Φ⁻¹(1 − 1 / (N e))); V is the variance (with N − 1) of the N variants'
    Sharpe ratios, γ Euler's constant, Φ the normal distribution function.

    Args:
        ratios: Of two or more variants, all of one period (daily, yearly), as is the result.

    >>> round(expected_best(np.array([-1.0, 0.0, 1.0])), 4)
    0.8528
    """
    count, quantile = len(ratios), NormalDist().inv_cdf
    spread = float(np.std(ratios, ddof=1))
    return spread * ((1 - _GAMMA) * quantile(1 - 1 / count) + _GAMMA * quantile(1 - 1 / (count * math.e)))


def luck(ratios: Floats, best: Record) -> Luck:
    """Return what is known of the luck in the best of some variants.

    Args:
        ratios: Yearly Sharpe ratios of the variants that trade, NaN where one has none, shape (variants,).
        best: The run of the one that was chosen.

    >>> from riskcontrol.statistics.examples import daily
    >>> found = luck(np.array([-1.0, 0.0, 2.0]), daily(100, 101, 100.5, 102, 101.5, 103))
    >>> round(found.expected, 3), round(found.probability, 3)
    (1.303, 0.823)
    """
    gain = int(best.value[-1]) / best.cash - 1
    own, known = sharpe(best), ratios[~np.isnan(ratios)]
    if own is None or len(known) < 2:
        return Luck(len(ratios), len(known), gain, own)
    expected = expected_best(known)
    chance = probability_above(best.daily.returns, expected / math.sqrt(DAYS_A_YEAR))
    return Luck(len(ratios), len(known), gain, own, expected, chance)
