"""What people read and fill in: workbooks and documents, as bytes."""
