"""The indicator library (指标库): its indicators, where they came from, how they changed."""
