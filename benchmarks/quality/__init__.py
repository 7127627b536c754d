"""How good the lists are on public data sets, beside tuned baselines and published figures."""
