// What of a native addon and its dependencies goes into a package.

/**
 * Loaded by name at run time, so outside the bundles (scripts/build.mjs); with all that they need
 * at run time.
 */
export const ADDONS = ['better-sqlite3', 'modbus-serial', 'pcsclite', 'serialport'];
/** Headers for compiling only. */
export const BUILD_ONLY = new Set(['nan', 'node-addon-api', 'node-gyp']);
/** What nobody loads: for compiling, for reading, for other machines. */
const NOT_LOADED =
  /(^|\/)(binding\.gyp|Makefile|obj|obj\.target|\.deps|[^/]*\.(o|d|a|mk|h|c|cc|cpp|map|ts|md))(\/|$)/;
/**
 * At the top of an addon, which has a binding.gyp, these hold what it was compiled from. Elsewhere
 * a folder called src is a package's own JavaScript.
 */
const COMPILED_FROM = /^(deps|src|test|examples)(\/|$)/;

/**
 * Whether a file or folder of a package ships.
 *
 * @param inside its path in the package, with slashes
 * @param compiled whether the package has a binding.gyp
 * @param platform `linux-x64` and the like: prebuilt addons of others stay behind
 */
export function ships(inside, compiled, platform) {
  if (inside === 'node_modules' || inside.startsWith('node_modules/')) return false;
  const prebuilt = /^prebuilds\/([^/]+)/.exec(inside)?.[1];
  if (prebuilt !== undefined && !prebuilt.replace(/\.node$/, '').startsWith(platform)) return false;
  // The pinned Node is glibc's.
  if (inside.endsWith('.musl.node')) return false;
  return !NOT_LOADED.test(inside) && !(compiled && COMPILED_FROM.test(inside));
}
