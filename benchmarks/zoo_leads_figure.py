"""The picture of leads over many zoos."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from benchmarks import drawing, palette
from benchmarks.router_families import family_of
from benchmarks.zoo_leads import BOUNDS, OVER


def draw(panels: Sequence[Axes], found: pd.DataFrame) -> None:
    """Draw the leads of each router with intervals over questions (thick) and over zoos (thin).

    Parameters
    ----------
    panels : sequence of Axes
        One for each llm or router that leads are counted from.
    found : DataFrame
        The main frame of :func:`benchmarks.zoo_leads.summarise`.
    """
    table = found[~found["router"].isin(BOUNDS)].reset_index(drop=True)
    for ax, (name, title) in zip(panels, OVER.items(), strict=True):
        ax.set_title(f"lead over {title}")
        ax.set_yticks([])
        if f"lead_{name}" in table:
            _draw_leads(ax, table, f"lead_{name}")
    drawing.ticks(panels[0].yaxis, range(len(table)), table["router"])
    for ax in panels:
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
    panels[1].set_xlabel("macro score, mean over zoos; 95% over questions (thick), zoos (thin)")


def _draw_leads(ax: Axes, table: pd.DataFrame, lead: str) -> None:
    for place, row in enumerate(table.to_dict("records")):
        family = family_of(row["router"])
        for over, width in (("_zoos", 0.8), ("", 2.2)):
            ends = [row[f"{lead}{over}_low"], row[f"{lead}{over}_high"]]
            ax.plot(ends, [place, place], color=family.color, lw=width)
        ax.plot(row[lead], place, family.marker, ms=4.5, color=family.color)
    ax.axvline(0, color=palette.INK, lw=0.8, zorder=1)
    ax.grid(axis="x")
