"""Fitted routers on disk, without pickle."""

from __future__ import annotations

from pathlib import Path

from routers.base import Router

# Loading builds objects of these packages only; anything else in a file is refused.
_TRUSTED_PACKAGES = ("routers.", "sklearn.", "numpy.", "scipy.", "xgboost.")


def save_router(router: Router, path: str | Path) -> Path:
    """Save a fitted router to one file.

    Pretrained weights are not copied: the file names their folder, which must be there when it is
    loaded.

    Parameters
    ----------
    router : Router
        Fitted.
    path : str or Path
        Written beside and renamed, so that a failure leaves an older file whole.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the router is not fitted.
    """
    from skops import io

    router._require_fitted()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    io.dump(router, part)
    part.replace(path)
    return path


def load_router(path: str | Path) -> Router:
    """Load a router that :func:`save_router` wrote.

    Raises
    ------
    ValueError
        If the file holds objects of packages other than this one and those that it builds on, or
        no router.
    """
    from skops import io

    foreign = [
        name for name in io.get_untrusted_types(file=path) if not name.startswith(_TRUSTED_PACKAGES)
    ]
    if foreign:
        raise ValueError(
            f"{path} holds objects that no router needs: {', '.join(foreign)}. "
            "It was not loaded; use a file that save_router wrote."
        )
    router = io.load(path, trusted=io.get_untrusted_types(file=path))
    if not isinstance(router, Router):
        raise ValueError(f"{path} must hold a Router, it holds a {type(router).__name__}.")
    return router
