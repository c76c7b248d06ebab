"""Model-SAT in the form of its paper: the profile as text, before the question, in Phi-3-mini.

* ``capability``   a profile as one vector, the input of the connector
* ``language_model``   the LM, frozen or adapted by LoRA
* ``arrangements``, ``network``   the order of question and soft tokens; connector and score
* ``losses``, ``prefixes``, ``checkpoints``, ``training``   the connector learns, then the LM
* ``calibration``  from logits to probabilities
* ``pool``         which llms of a pool to learn from
* ``router``       ``PaperModelSATRouter``, which ties them together

The test and the cards are those of ``routers.aptitude``. What the networks of the paper take in
memory and time is in ``docs/model_sat_paper.md``.

Nothing is imported here: the torch modules (from ``language_model`` to ``training``) only when a
router is fitted.
"""
