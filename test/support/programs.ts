import { execFileSync } from 'node:child_process';

const found = new Map<string, string>();

/**
 * Where a program of the system is. Root on a machine with apt-get gets its package, of the same name, installed; of two
 * that come here at once, the second waits.
 *
 * @throws Error with one sentence that says what to do.
 */
export function need(program: string): string {
  const script = `
    exec 9> /tmp/gatehouse-programs.lock && flock 9
    command -v ${program} || { apt-get update && apt-get install -y --no-install-recommends ${program}; } >&2
    command -v ${program}`;
  try {
    const lines =
      found.get(program) ??
      execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const path = lines.trim().split('\n').at(-1) ?? program;
    found.set(program, path);
    return path;
  } catch (cause) {
    throw new Error(`These tests need ${program}: install it.`, { cause });
  }
}
