"""The declared campaign: what was asked, of whom, and how it is scored."""
