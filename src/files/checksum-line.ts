/**
 * A line in the format of GNU `sha256sum`. If the name has a backslash or a line break, these are escaped, and the line
 * begins with a backslash to show it.
 */
export function checksumLine(name: string, sha256: string): string {
  // a name that is only "-" would mean standard input
  const path = name === '-' ? './-' : name;
  const escaped = path.replace(/[\\\n\r]/g, (character) => escapes[character] ?? character);
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };
