"""PDE_M1: the frozen side. Regimes, networks, kinetics, datasets and what can be recovered from them."""
