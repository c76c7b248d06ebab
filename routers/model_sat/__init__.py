"""Model-SAT: a small causal LM reads an llm's profile and a question, and says Yes or No.

* ``aptitude``     the test: which questions every llm is examined on, and the profile it yields
* ``capability``   a profile as one vector, the input of the connector
* ``network``      connector, soft tokens, frozen LM: the torch modules alone
* ``training``     stage 1: the connector is learned, the LM is not
* ``router``       ``ModelSATRouter``, which ties them together

Nothing is imported here: only ``network`` and ``training`` need torch.
"""
