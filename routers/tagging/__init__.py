"""Taggers: ranked capabilities and knowledge phrases of a question.

* ``base``         ``Tagger``, the interface, and ``CachedTagger`` for answers worth keeping
* ``vocabulary``   the closed list of capabilities, described for encoders and language models
* ``embedding``    deterministic: nearest capability, key phrases of the nearest clusters
* ``local_lm``     a small causal LM reads the question
* ``endpoint``     an OpenAI-compatible endpoint is asked
* ``control``      tags drawn at random: what tags that say nothing are worth
* ``canonical``    one name for phrases that mean the same
"""
