"""What a linear probe on text explains beyond the dataset, by the number of training questions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from benchmarks import drawing, palette
from benchmarks.ceiling import PARTS


def draw(panels: Sequence[Axes], rows: pd.DataFrame) -> None:
    """Draw a line per encoder, difficulty and contrasts on a panel each.

    Parameters
    ----------
    panels : sequence of Axes, one for each of ``PARTS``
    rows : DataFrame
        A row of :func:`benchmarks.ceiling.explained` per encoder and number of training questions.
    """
    handles: dict[str, Artist] = {}
    for part, ax in zip(PARTS, panels, strict=True):
        lines = zip(cycle(palette.LINES), rows.groupby("encoder", sort=False), strict=False)
        for (color, marker), (name, of_encoder) in lines:
            text, low, high = (
                100 * of_encoder[f"{part}_{what}"] for what in ("text", "low", "high")
            )
            style: dict[str, Any] = {"marker": marker, "ms": 4, "capsize": 2, "color": color}
            spread = [text - low, high - text]
            drawn = ax.errorbar(of_encoder["n_train"], text, yerr=spread, **style)
            handles[str(name)] = drawn.lines[0]
        ax.axhline(0, color=palette.GREY, ls="--", lw=0.8)
        ax.set_title(f"{part}, beyond the dataset")
        ax.set_xlabel("training questions")
    panels[0].set_ylabel("share of variance that\na linear probe explains, %")
    drawing.legend(panels[0], handles)
