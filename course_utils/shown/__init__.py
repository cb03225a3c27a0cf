"""What one lesson shows: a way to read photos (11), networks (13, 14), a program (15)."""
