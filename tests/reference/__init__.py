"""A second implementation of every figure, in plain Python, written from docs/metrics.md alone.

It is slow and exact (``fractions.Fraction``) and shares no code with the suite. An unknown value is
None here, NaN there.
"""

from reference.boards import Comparison, Row, calibration_rows, leaderboard_rows
from reference.facts import Prediction

__all__ = ["Comparison", "Prediction", "Row", "calibration_rows", "leaderboard_rows"]
