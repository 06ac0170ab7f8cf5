"""The checks (审核): one small function per rule, findings as a table, never as exceptions."""
