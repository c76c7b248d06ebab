"""Make and mend the virtual environment; run as ``python3 -m benchmarks.install`` by the Makefile.

The modules of this package run before anything is installed, by whatever ``python3`` there is: they
import the standard library alone, and are written for Python 3.7 and later.
"""
