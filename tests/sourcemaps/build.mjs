// Builds a release of the application in app/ with every bundler, for Node and for browsers.
// Usage: node build.mjs FOLDER r1|r2. Writes FOLDER/dist/BUNDLER/TARGET/…, and FOLDER/scripts.json, which names the
// one script of each of them.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { build, bundlers, prepare } from "./bundlers.mjs";

const TARGETS = ["node", "browser"];
const [root, release] = [path.resolve(process.argv[2]), process.argv[3]];
await prepare(root, release);
const scripts = {};
for (const name of Object.keys(bundlers)) {
  scripts[name] = {};
  for (const target of TARGETS) {
    scripts[name][target] = await build(root, name, target, path.join(root, "dist", name, target));
  }
}
await writeFile(path.join(root, "scripts.json"), JSON.stringify(scripts));
