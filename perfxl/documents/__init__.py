"""Word documents in the official form; python-docx is used nowhere else."""
