// What the page remembers in the browser: tabs, sizes and history, never a header, which may carry a token.
// GraphiQL keeps headers out of its tabs when told so, but its history would store them.
const HISTORY = ["graphiql:queries", "graphiql:favorites"];

const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith("graphiql:"));

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, HISTORY.includes(key) ? withoutHeaders(value) : value),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ownKeys().length;
  },
};

function withoutHeaders(value) {
  return JSON.stringify(JSON.parse(value, (key, inner) => (key === "headers" ? undefined : inner)));
}
