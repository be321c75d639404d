// What a setting is called: `retentionMb` in code, `--retention-mb` as a flag, `QANAT_RETENTION_MB` as a variable.

/** `retentionMb` → `--retention-mb`. */
export function flagOf(name: string): string {
  return "--" + dashed(name);
}

/** `retentionMb` → `QANAT_RETENTION_MB`. */
export function variableOf(name: string): string {
  return "QANAT_" + dashed(name).replaceAll("-", "_").toUpperCase();
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}
