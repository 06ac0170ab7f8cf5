"""Speed, as ratios between programs timed in one run; run ``python -m benchmarks``."""
