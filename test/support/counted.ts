import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectFolder } from '../../src/config/settings.js';

/**
 * What Node is given to run the site (`main`) or its command line (`gatehouse`) as a process of its own. Where coverage is
 * asked for, it runs the build with counters, and leaves the counts behind when it ends (`count.js`), for `runtime.js`.
 */
export function programOf(entry: 'main' | 'gatehouse', project = projectFolder): string[] {
  const { TESTED_CODE, COUNTS } = process.env;
  if (!TESTED_CODE || !COUNTS || project !== projectFolder) return [join(project, 'dist', `${entry}.js`)];
  mkdirSync(COUNTS, { recursive: true });
  const counter = pathToFileURL(join(import.meta.dirname, 'count.js'));
  counter.searchParams.set('into', COUNTS);
  return ['--import', counter.href, join(project, TESTED_CODE, `${entry}.js`)];
}
