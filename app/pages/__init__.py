"""Pages for people: HTML over the same read models that the APIs answer from. No SQL, no GraphQL library."""
