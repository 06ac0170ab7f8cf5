"""From a returned workbook's cells to the tables of the design: whose is it, and what is in it?"""
