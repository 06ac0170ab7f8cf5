"""The figures that documents state: of the campaign, of one unit, of rectification, of the budget."""
