// Without minification Turbopack writes index maps; with it, flat ones.
export default {
  productionBrowserSourceMaps: true,
  experimental: { serverSourceMaps: true, turbopackMinify: false, turbopackSourceMaps: true },
};
