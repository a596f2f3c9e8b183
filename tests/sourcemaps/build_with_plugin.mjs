// Builds with Sentry's plugin for a bundler, which uploads what is written, and prints the name of the script.
// Usage: node build_with_plugin.mjs FOLDER BUNDLER node|browser RELEASE SERVER ORIGIN, within a folder that build.mjs
// filled: the plugins name sources as they are seen from where they run.
import { build } from "./bundlers.mjs";

const [folder, bundler, target, release, url, project] = process.argv.slice(2);
const exported = await import(`@sentry/${bundler}-plugin`);
const plugin = exported[`sentry${bundler[0].toUpperCase()}${bundler.slice(1)}Plugin`];
const made = plugin({
  org: "any",
  project,
  authToken: "any",
  url,
  telemetry: false,
  silent: true,
  release: { name: release, setCommits: false },
});
console.log(await build(process.cwd(), bundler, target, folder, [made].flat()));
