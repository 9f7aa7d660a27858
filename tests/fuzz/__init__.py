"""Coverage-guided fuzzing of the importers: `make fuzz`. Not collected by pytest; what it finds is kept as tests."""
