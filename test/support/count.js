import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Loaded before a program that was built with counters: what was counted lies in a folder once it ends. */
const into = new URL(import.meta.url).searchParams.get('into');
process.on('exit', () => {
  const { __coverage__: counted } = globalThis;
  if (!counted) return;
  try {
    writeFileSync(join(into, `${randomUUID()}.json`), JSON.stringify(counted));
  } catch {
    // who may not write there is not counted
  }
});
