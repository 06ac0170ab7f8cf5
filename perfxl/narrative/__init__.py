"""Reads a narrative self-assessment report and finds where it contradicts itself."""
