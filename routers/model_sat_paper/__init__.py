"""Model-SAT: a small causal LM reads an llm's profile and a question, and says Yes or No.

* ``aptitude``     the test: which questions every llm is examined on, and the profile it yields
* ``cards``        a profile as a document, and how a router takes it
* ``capability``   a profile as one vector, the input of the connector
* ``language_model``   the LM, frozen or adapted by LoRA
* ``arrangements``, ``network``   the order of question and soft tokens; connector and score
* ``losses``, ``prefixes``, ``checkpoints``, ``training``   the connector learns, then the LM
* ``calibration``  from logits to probabilities
* ``pool``         which llms of a pool to learn from
* ``router``       ``PaperModelSATRouter``, which ties them together
* ``late``, ``items``   ``CapabilityFusionRouter``: the profile meets what the LM read afterwards

Nothing is imported here: the torch modules (from ``language_model`` to ``training``) only when a
router is fitted.
"""
