"""`evidence schema`: the GraphQL schema as text, written or checked against schema.graphql."""
