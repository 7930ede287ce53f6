import { defineConfig } from "vite";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "built",
    manifest: true,
    target: "es2022",
    // The policy of the page allows no inline content, and its polyfill would be such.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  // `npx vite` beside a running service: its interface answers at the same address.
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8000", ws: true } } },
});
