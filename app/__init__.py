"""Evidence gateway: the read models over release evidence, and the importers that fill them."""
