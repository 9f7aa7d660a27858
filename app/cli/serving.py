"""`evidence serve` and `evidence run`."""
