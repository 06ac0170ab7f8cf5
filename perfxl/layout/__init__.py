"""What a workbook looks like, declared once, and found again in what comes back."""
