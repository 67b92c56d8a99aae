import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * The specs in `test/http` that a change most likely reaches, for `npm run test:fast`: those that were changed themselves,
 * those that import a changed file, and those that are named as a changed file or its room is. All others are for `npm test`.
 *
 * @param changed paths from the project's folder, such as `src/groups/groups.service.ts`.
 */
export function specsReachedBy(changed, project) {
  const folder = join(project, 'test/http');
  const specs = readdirSync(folder).filter((name) => name.endsWith('.spec.ts'));
  const words = new Set(changed.flatMap(wordsOf));
  const isReached = (spec) => {
    if (changed.includes(`test/http/${spec}`)) return true;
    const named = spec.slice(0, -'.spec.ts'.length).split('-').map(singular);
    if (named.some((word) => words.has(word))) return true;
    const source = readFileSync(join(folder, spec), 'utf8');
    return changed.some((path) => source.includes(`../../${path.replace(/\.ts$/, '.js')}'`));
  };
  return specs.filter(isReached).map((spec) => `test/http/${spec}`);
}

/** What has changed since the branch that this one follows, or since the last commit, with what is not committed yet. */
export function changedFiles(project) {
  const git = (...given) =>
    execFileSync('git', given, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const lines = (text) => text.split('\n').filter(Boolean);
  let since = 'HEAD';
  try {
    since = git('merge-base', 'HEAD', '@{upstream}');
  } catch {
    // it follows no other branch
  }
  return [...lines(git('diff', '--name-only', since)), ...lines(git('ls-files', '--others', '--exclude-standard'))];
}

/** The room of a source or a view, and what the file is called, each word in the singular. */
function wordsOf(path) {
  const [top, room, ...rest] = path.split('/');
  if (!['src', 'views'].includes(top) || rest.length === 0) return [];
  const [stem] = basename(path).split('.');
  // what every spec has to do with tells nothing
  const isEverywhere = ['http', 'config', 'database', 'partials', 'layouts', 'assets'].includes(room);
  return [...(isEverywhere ? [] : [singular(room)]), singular(stem)];
}

const singular = (word) => word.replace(/ies$/, 'y').replace(/(?<!s)s$/, '');
