/**
 * A line of GNU's format: where the name has a backslash or a line's end, they are escaped, and a backslash before the
 * checksum says so.
 */
export function checksumLine(name: string, sha256: string): string {
  // alone, it would stand for what is piped in
  const path = name === '-' ? './-' : name;
  const escaped = path.replace(/[\\\n\r]/g, (character) => escapes[character] ?? character);
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };
