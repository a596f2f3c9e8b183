// The application of app/, and what builds it: every bundler, for Node and for browsers.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import resolve from "@rollup/plugin-node-resolve";
import minify from "@rollup/plugin-terser";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as terser from "terser";
import * as vite from "vite";
import webpack from "webpack";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const run = promisify(execFile);

const esbuildOptions = (root, target, folder) => ({
  absWorkingDir: root,
  entryPoints: [`src/${target}.ts`],
  outfile: path.join(folder, "app.min.js"),
  bundle: true,
  minify: true,
  sourcemap: true,
  platform: target,
  format: target === "node" ? "cjs" : "iife",
  target: "es2022",
  external: ["@sentry/node"],
  logLevel: "error",
});

/** Each writes one script and its map into a folder; those with plugins of their own take more of them. */
export const bundlers = {
  esbuild: (root, target, folder, plugins = []) =>
    esbuild.build({ ...esbuildOptions(root, target, folder), plugins }),

  // maps that no script refers to
  hidden: (root, target, folder) => esbuild.build({ ...esbuildOptions(root, target, folder), sourcemap: "external" }),

  // maps inside their scripts
  inline: (root, target, folder) => esbuild.build({ ...esbuildOptions(root, target, folder), sourcemap: "inline" }),

  async terser(root, target, folder) {
    const built = await esbuild.build({ ...esbuildOptions(root, target, folder), minify: false, write: false });
    const textOf = (name) => built.outputFiles.find((file) => file.path.endsWith(name)).text;
    const minified = await terser.minify(
      { "app.js": textOf("app.min.js") },
      {
        compress: true,
        mangle: { toplevel: true },
        sourceMap: {
          content: textOf("app.min.js.map"),
          filename: "app.min.js",
          url: "app.min.js.map",
          includeSources: true,
        },
      },
    );
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "app.min.js"), minified.code);
    await writeFile(path.join(folder, "app.min.js.map"), minified.map);
  },

  // what tsc wrote, with its maps
  async rollup(root, target, folder, plugins = []) {
    const load = async (id) =>
      id.startsWith(path.join(root, "compiled"))
        ? { code: await readFile(id, "utf8"), map: JSON.parse(await readFile(`${id}.map`, "utf8")) }
        : null;
    const bundle = await rollup({
      input: path.join(root, "compiled", `${target}.js`),
      external: ["@sentry/node"],
      plugins: [
        resolve({ browser: target === "browser", extensions: [".js"] }),
        { name: "compiled", load },
        minify({ maxWorkers: 1 }),
        ...plugins,
      ],
      onwarn: () => {},
    });
    const format = target === "node" ? "cjs" : "iife";
    await bundle.write({ file: path.join(folder, "app.min.js"), format, sourcemap: true });
    await bundle.close();
  },

  async vite(root, target, folder, plugins = []) {
    const entry = target === "node" ? { ssr: "src/node.ts" } : {};
    await vite.build({
      root,
      configFile: false,
      base: "./",
      logLevel: "error",
      plugins,
      build: { ...entry, outDir: folder, sourcemap: true, minify: true, emptyOutDir: true, target: "es2022" },
    });
  },

  webpack: (root, target, folder, plugins = []) =>
    promisify(webpack)({
      context: root,
      mode: "production",
      target: target === "node" ? "node" : "web",
      devtool: "source-map",
      entry: { main: `./src/${target}.ts` },
      output: { path: folder, filename: target === "node" ? "server.js" : "static/[name].[contenthash].js" },
      externals: target === "node" ? { "@sentry/node": "commonjs @sentry/node" } : {},
      module: { rules: [{ test: /\.ts$/, loader: require.resolve("esbuild-loader"), options: { target: "es2022" } }] },
      resolve: { extensions: [".ts", ".js"] },
      performance: false,
      plugins,
    }).then((stats) => {
      if (stats.hasErrors()) throw new Error(stats.toString("errors-only"));
    }),
};

/** Copies a release of the application to a folder, with what it is built with. */
export async function prepare(root, release) {
  await cp(path.join(HERE, "app"), root, { recursive: true });
  if (release === "r2") await cp(path.join(HERE, "app", "release2"), path.join(root, "src"), { recursive: true });
  await symlink(path.join(HERE, "node_modules"), path.join(root, "node_modules"));
  await run(process.execPath, [path.join(HERE, "node_modules", "typescript", "bin", "tsc"), "-p", root]);
}

async function scriptsOf(folder) {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.m?js$/.test(name)).sort();
}

/** Builds with one bundler for one target, and returns the script it wrote. */
export async function build(root, name, target, folder, plugins) {
  await bundlers[name](root, target, folder, plugins);
  const scripts = await scriptsOf(folder);
  if (scripts.length !== 1) throw new Error(`${name} wrote ${scripts} for ${target}`);
  if (target === "browser" && name !== "vite") {
    const page = `<!doctype html><meta charset="utf-8"><script src="${scripts[0]}"></script>\n`;
    await writeFile(path.join(folder, "index.html"), page);
  }
  return scripts[0];
}
