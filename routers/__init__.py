"""Routing methods: given a question's text and a zoo of LLMs, pick the one to ask.

* ``table``         the one data object: questions x llms, scores and costs
* ``base``          ``Router``, the interface of every method
* ``choice``        ``choose``, the one decision rule
* ``constraints``, ``validation``   what a parameter must be, and the check that ``fit`` begins with
* ``encoders``, ``lm_reading``   text to vectors, cached by content
* ``precomputing``, ``content_store``, ``batching``, ``devices``   what pretrained networks compute
  beforehand, where it is kept, and with which arithmetic
* ``tagging``       text to ranked capabilities and knowledge phrases
* ``baselines``     best single, cheapest, random: the floors
* ``recognition``   recognise the dataset or the subject, take its best llm: hard to beat
* ``hybrid``, ``costs``   heads and neighbours blended, for score and for cost
* ``calibration``   any router with calibrated scores
* ``allocation``, ``dual``, ``pricing``   batches under a promised score, a budget, capacities
* ``neighbors``, ``clusters``, ``classifiers``, ``profiles``, ``latent``, ``item_response``,
  ``contrastive``, ``capability_fusion``, ``model_sat``, ``model_sat_paper``   the families
* ``aptitude``      the aptitude test, profiles and cards that the last three share

Nothing here reads configuration or knows of experiments; that is the ``benchmarks`` package.
Families are imported from their own module, so that ``import routers`` costs nothing.
"""

from importlib import import_module

_EXPORTS = {
    "Allocation": "allocation",
    "CannotAdmitError": "base",
    "DualAllocator": "dual",
    "InfeasibleError": "allocation",
    "InvalidParameterError": "validation",
    "NotApplicableError": "validation",
    "Router": "base",
    "RoutingTable": "table",
    "best_within_budget": "allocation",
    "cheapest_at_quality": "allocation",
    "choose": "choice",
    "load_router": "persistence",
    "price_for_budget": "pricing",
    "price_for_quality": "pricing",
    "save_router": "persistence",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> object:
    """Import an exported name on first use (PEP 562): scikit-learn alone takes two seconds."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'routers' has no attribute {name!r}")
    return getattr(import_module(f"routers.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    """List the lazy exports too."""
    return sorted([*globals(), *_EXPORTS])
