"""The experiment: sources of outcomes, splits, evaluation, store, leaderboard, plots."""
