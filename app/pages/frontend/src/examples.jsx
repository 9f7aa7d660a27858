// A panel of operations for the main jobs. Each is a file in examples/: its first comment line is the name
// shown, the second says what it is for; the number in the file name gives the order.
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useState } from "react";

import { fetcher } from "./fetcher.js";
import SAMPLE from "./sample-values.graphql?raw";

const FILES = import.meta.glob("./examples/*.graphql", { query: "?raw", import: "default", eager: true });

export const EXAMPLES = Object.keys(FILES).sort().map((path) => readExample(FILES[path]));

function readExample(text) {
  const [name, purpose, ...lines] = text.trimEnd().split("\n");
  const query = lines.join("\n");
  const [, operationName] = /^query\s+(\w+)/m.exec(query);
  const variables = [...query.matchAll(/\$(\w+):/g)].map(([, variable]) => variable);
  const said = (comment) => comment.replace(/^#\s*/, "");
  return { name: said(name), purpose: said(purpose), query, operationName, variables: [...new Set(variables)] };
}

/** Values for an example's variables: of an item that replaced another where there is one, else of any. */
async function sampleValues(headers) {
  try {
    const { data } = await fetcher({ query: SAMPLE, operationName: "SampleValues" }, { headers: JSON.parse(headers || "{}") });
    const rows = data.bundles.nodes.flatMap(({ bundleKey, items }) => items.nodes.map((item) => ({ bundleKey, item })));
    const { bundleKey, item } = rows.find((row) => row.item.supersedes) ?? rows[0];
    const [head, base = head] = alike(data.bundles.nodes);
    return { bundleKey, itemId: item.id, asOf: (item.supersedes ?? item).recordedAt, base, head };
  } catch {
    return {}; // An empty gateway: the variables are the reader's to fill in.
  }
}

/** Keys of bundles of one kind, newest first: of the first kind that has two, else of any. */
function alike(bundles) {
  const of = (kind) => bundles.filter((bundle) => bundle.kind === kind).map((bundle) => bundle.bundleKey);
  const kinds = bundles.map((bundle) => of(bundle.kind));
  return kinds.find((keys) => keys.length > 1) ?? kinds[0];
}

function ExamplesIcon(props) {
  return (
    <svg viewBox="0 0 24 24" height="1em" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true" {...props}>
      <path strokeLinecap="round" strokeLinejoin="round" d="M4 5h3m3 0h10M4 12h3m3 0h10M4 19h3m3 0h10" />
    </svg>
  );
}

function ExamplesPanel() {
  const { addTab, changeTab, updateActiveTabValues } = useGraphiQLActions();
  const tabs = useGraphiQL((state) => state.tabs);
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const [opening, setOpening] = useState(false);

  async function open(example) {
    const index = tabs.findIndex((tab) => tab.query?.trimEnd() === example.query);
    if (index >= 0) {
      changeTab(index);
      return;
    }
    setOpening(true);
    const values = example.variables.length ? await sampleValues(headerEditor?.getValue()) : {};
    setOpening(false);
    const filled = example.variables.map((name) => [name, values[name] ?? ""]);
    const variables = filled.length ? JSON.stringify(Object.fromEntries(filled), null, 2) : "";
    addTab();
    queryEditor.setValue(example.query);
    variableEditor.setValue(variables);
    updateActiveTabValues({ query: example.query, variables, operationName: example.operationName });
    queryEditor.focus();
  }

  return (
    <section aria-label="Examples">
      <div className="examples-title">Examples</div>
      <p className="examples-lead">One operation for each main job. A click opens it in a tab; Ctrl-Enter runs it.</p>
      <ul className="examples-list">
        {EXAMPLES.map((example) => (
          <li key={example.operationName}>
            <button
              type="button"
              disabled={opening || !queryEditor || !variableEditor}
              aria-current={tabs[activeTabIndex]?.query?.trimEnd() === example.query}
              onClick={() => open(example)}
            >
              <span className="examples-name">{example.name}</span>
              <span className="examples-purpose">{example.purpose}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export const examplesPlugin = { title: "Examples", icon: ExamplesIcon, content: ExamplesPanel };
