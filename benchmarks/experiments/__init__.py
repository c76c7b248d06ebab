"""Experiments: one module each, and a file of the same name in ``configs``.

Its settings hold ``backend: inline`` among their defaults, so that ``BACKEND=`` can name another.
A module says what is measured and what it means; ``benchmarks.experiment`` does the rest. It has

``measure(work) -> DataFrame``
    Facts, one row per question and whatever is told apart, with ``question_id``; ``work`` is a
    :class:`benchmarks.experiment_work.Work`, or of a part that names a stored run a
    :class:`benchmarks.experiment_work.StoredWork`.
``summarise(rows) -> DataFrame`` or dict of names to DataFrame
    What the facts mean, of all parts together. The frame named ``""`` is the main one.

and may have

``parts(cfg) -> list of dict``
    What is measured, and stored, apart; by default each of ``cfg.seeds``. A part with ``run``
    reads that stored run, below ``cfg.runs``, in place of outcomes.
``AXES``
    Names of settings that only say which parts there are: one more value adds parts, and leaves
    those that are stored what they are. ``seeds`` is one of every experiment.
``depends_on(work)``
    What determines the rows beside settings and outcomes, JSON-able.
``settings(work)``
    In its place: all that determines the rows beside the outcomes, JSON-able.
``place(work) -> Path``
    Where a part is stored below the results; ``parts`` by default.
``about(work)``
    What is stored of a part beside its settings, JSON-able. What ``measure`` itself finds beside
    the rows, it notes in ``work.noted``.
``tell(work, run) -> str``
    What is said of a part that was measured and stored; by default nothing.
``labels(about)``
    Columns that the rows of a stored part are given; by default they are as they were measured.
``condense(rows) -> DataFrame``
    What ``summarise`` is given of each part, where all rows together would be too many.
``jobs(job) -> list of Job``
    What is reported apart, each in a results folder of its own; by default the one job.
``draw(ax, frame)``, ``draw_<name>(ax, frame)``
    Draw the main frame, or the one of that name: given numbers only.
``PANELS``
    On how many axes the main frame is drawn, side by side: ``draw`` is given that many then.
``HEIGHT``, ``DIGITS``
    Inches of the main figure, 3 by default; significant digits in csv files, 5 by default.
``to_markdown(rows, about) -> str``
    By default the main frame as a table; ``about`` is what is stored of the first part.
``TARGET``
    Its target in the Makefile, where it has one.
"""
