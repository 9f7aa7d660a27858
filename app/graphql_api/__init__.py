"""The GraphQL face: Strawberry types over the read models. The only room that knows GraphQL libraries."""
