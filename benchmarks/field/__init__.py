"""The metrics that the field publishes, one source a file, as pure functions of arrays.

* ``routereval``      value over a reference and over the best single llm, entropies, mixed oracle
* ``routerbench``     cost-quality hull, its mean height (AIQ), the zero router
* ``routellm``        two llms: performance gap recovered, its area, calls needed to reach a share
* ``llmrouterbench``  relative gains and gap, cost saved, distance to the front, few solvers
* ``routerarena``     accuracy and cost in one score, robustness, optimality
* ``aslib``           algorithm selection: penalised runtime and its gap
* ``calibration``     Brier score and calibration error of each llm's predicted scores
* ``report``          all that the stored rows of one router can tell, as leaderboard columns

Each docstring says which variant it is: the paper's, the released code's, or ours where the source
leaves it open. In all of them a figure that is not defined is NaN, never 0.
"""
