"""`evidence import` and `evidence inspect`."""
