// How the page asks the gateway: POST /graphql, on its own origin.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { Kind, parse } from "graphql";

const post = createGraphiQLFetcher({ url: "/graphql", enableIncrementalDelivery: false });

export function fetcher(params, options) {
  return post({ ...params, operationName: operationIn(params) }, options);
}

/**
 * GraphiQL learns the operation's name a moment after the last key; run sooner, it sends the previous one's.
 * So the name is kept only when the text has such an operation; the only operation of a text needs none.
 */
function operationIn({ query, operationName }) {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    const names = operations.map(({ name }) => name?.value);
    return names.length > 1 || names.includes(operationName) ? operationName : names[0];
  } catch {
    return operationName; // The gateway says better what is wrong with the text.
  }
}
