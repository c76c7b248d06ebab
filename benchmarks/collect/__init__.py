"""Measure small llms on the embedded questions: ``python -m benchmarks.collect``.

* ``candidates``   which llms are asked, and in which mode
* ``prompts``      what they are told, and how much they may write
* ``network``      a local network reads prompts and writes on
* ``scoring``      whether an answer in words is the right number
* ``answering``    one batch: ask, score, share the cost
* ``log``          outcomes on disk, so that a killed measurement goes on where it was
* ``measuring``    ask a candidate all that its log lacks
* ``finishing``    from logs to the committed files
* ``__main__``     the command line, and how cost is measured
"""
