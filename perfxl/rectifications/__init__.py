"""Rectification (整改): what each unit has to mend, what it reports, and how each problem stands."""
