"""The spot check (抽查) of the units' own evaluations: who is drawn, what was found, what it says."""
