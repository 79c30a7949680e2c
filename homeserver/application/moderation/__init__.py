"""What users report to the server's administrators."""
