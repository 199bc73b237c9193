// Copies the browser parts that Toile serves into the Python package.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
const target = join(web, "..", "engine", "app", "static", "vendor");
mkdirSync(target, { recursive: true });
copyFileSync(
  join(web, "node_modules", "@google", "model-viewer", "dist", "model-viewer.min.js"),
  join(target, "model-viewer.min.js"),
);
