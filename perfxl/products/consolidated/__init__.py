"""The consolidated scoring workbook (综合评分表): one module per kind of sheet."""
