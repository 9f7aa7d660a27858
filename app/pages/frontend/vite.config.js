// Builds the explorer into app/pages/static/explorer, which the gateway serves under /static/explorer/.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/static/explorer/",
  publicDir: false,
  // The language workers load chunks of their own, which only ES modules can.
  worker: { format: "es" },
  build: {
    outDir: fileURLToPath(new URL("../static/explorer", import.meta.url)),
    emptyOutDir: true,
    // Every asset is a file whose name is made from its content, so that it can be cached for good.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8192,
    // "use client" in the packages means nothing to a page without server components.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});
