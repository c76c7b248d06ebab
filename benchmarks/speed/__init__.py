"""Speed and memory, measured against targets: ``make speed``."""
