"""Model-SAT: a small causal LM reads a question, meets an llm's profile and says Yes or No.

* ``language_model``  a frozen LM, cut in two: below the cut questions are read
* ``readings``        what it holds of a question, kept by content
* ``capability``      an llm's profile as a few numbers
* ``network``         the soft token that these make, on its way through the upper layers
* ``targets``         what is taught: accuracy on questions of a kind
* ``training``        how it is taught
* ``level``           the mean of an llm's scores is what is known of it
* ``router``          ``ModelSATRouter``, which ties them together

Nothing is imported here: torch only when a router is fitted.
"""
