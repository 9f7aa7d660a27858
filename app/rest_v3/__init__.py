"""The REST V3 face: an adapter from the OpenAPI contract to the read models. Knows nothing of GraphQL."""
