"""What the words mean. Pure: no IO, no framework, no SQL."""
