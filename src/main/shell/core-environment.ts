/**
 * What the core inherits of its shell's environment, by name: where programs, homes and scratch
 * folders are, the language, and where the PC/SC service listens. Everything else stays outside:
 * variables by which Node loads code, believes other authorities or none (`NODE_OPTIONS`,
 * `NODE_EXTRA_CA_CERTS`, `NODE_TLS_REJECT_UNAUTHORIZED`), the linker's (`LD_PRELOAD`), Electron's,
 * and proxies, which `central.proxy` names.
 */
const KEPT: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'PCSCLITE_CSOCK_NAME',
  // Demo mode only: see main/core/recording.ts.
  'PILOTLIGHT_RECORD',
  // … and main/demo-clock.ts.
  'PILOTLIGHT_CLOCK_FILE',
  // Windows starts no program without the first two.
  'SYSTEMROOT',
  'WINDIR',
  'TEMP',
  'TMP',
  'PROGRAMDATA',
  'USERPROFILE',
  'LOCALAPPDATA',
  'COMPUTERNAME',
]);

/** Names are compared as Windows does, whatever their case. */
export function coreEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && KEPT.has(entry[0].toUpperCase()),
    ),
  );
}
