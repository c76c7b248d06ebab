"""Colors of every figure: Okabe and Ito's, which stay apart for the color-blind, and greys.

References
----------
Okabe and Ito, "Color universal design", 2008.
"""

from __future__ import annotations

ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
INK, GREY, FAINT = "#222222", "#6b6b6b", "#c4c4c4"

# Of lines that stand for settings, encoders, solvers: for anything that is not a router.
LINES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (SKY, "v"))
# Of areas that lie side by side.
AREAS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, "#4d4d4d")
REST = "#dddddd"  # of what is grouped as others
