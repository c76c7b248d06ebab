"""Mutation testing: break a line, run the tests, see whether they notice.

* ``mutants``      what is changed in a module, and what is left alone as noise
* ``trials``       the tests of a module, run on each mutant in a process forked for it
* ``collected``    the quick way, for what changes a function: tests are collected once
* ``patching``     a loaded function is given the code of its mutant
* ``processes``    forks with limits, some at a time
* ``outcomes``     what became of each mutant, kept from one command to the next
* ``selection``    which tests belong to which module, which mutants change nothing
* ``report``       the table and the surviving mutants

``tests/mutation/`` holds the selection. Nothing is written into the working tree: tests run on a
copy of it, and a mutant exists in the memory of its process only.
"""
