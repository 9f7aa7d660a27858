// The page: GraphiQL with documentation, history, the query builder and this project's examples.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./examples.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";

import { EXAMPLES, examplesPlugin } from "./examples.jsx";
import { fetcher } from "./fetcher.js";
import { storage } from "./storage.js";

const plugins = [examplesPlugin, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];

createRoot(document.getElementById("explorer")).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    visiblePlugin={examplesPlugin}
    defaultTabs={[{ query: EXAMPLES[0].query }]}
    defaultEditorToolsVisibility="variables"
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <span className="explorer-name">Evidence gateway</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
