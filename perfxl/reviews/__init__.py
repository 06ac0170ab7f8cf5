"""The sections' scores: what is put before them, what they enter, and which of it holds."""
