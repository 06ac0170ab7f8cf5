"""Workbooks: written with xlsxwriter, read with python-calamine, stamped with an identity."""
