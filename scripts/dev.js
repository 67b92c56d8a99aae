import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { clearTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

/**
 * Runs the site for a developer: `npm run dev`. A change in `src` builds what changed, without a type check, and
 * restarts the site on the same data. Members stay logged in. A change in `views` shows when a page is loaded again.
 */
const project = fileURLToPath(new URL('..', import.meta.url));
const environment = { LOG_LEVEL: 'info', ...process.env };

let site;
let next = prepare();
let isStarting = false;
let isStale = false;
let timer;

watchFolder('src', () => {
  clearTimeout(timer);
  // an editor writes a file in several steps
  timer = setTimeout(() => void restart(), 50);
});
watchFolder('views', () => {
  if (site?.connected) site.send('the views have changed');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void end().then(() => process.exit(0)));
await restart();

/**
 * Calls `tell` at each change below a folder. Node's own recursive watch loses a file that an editor replaces with
 * another.
 */
function watchFolder(name, tell) {
  const watched = new Set();
  const look = () => {
    const inside = readdirSync(join(project, name), { recursive: true, withFileTypes: true });
    const folders = inside.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name));
    for (const folder of [join(project, name), ...folders]) {
      if (watched.has(folder)) continue;
      watched.add(folder);
      watch(folder, () => {
        look();
        tell();
      });
    }
  };
  look();
}

async function restart() {
  isStale = true;
  if (isStarting) return;
  isStarting = true;
  while (isStale) {
    isStale = false;
    await end();
    const { status } = spawnSync(process.execPath, ['test/support/build.js'], { cwd: project, stdio: 'inherit' });
    next ??= prepare();
    if (status === 0) serve();
    else console.error('It was not built: the next change tries again.');
  }
  isStarting = false;
}

function serve() {
  site = next;
  site.send('serve');
  next = undefined;
  // not earlier, because the two would slow each other down
  for (const end of ['message', 'exit']) site.once(end, () => (next ??= prepare()));
}

function prepare() {
  return spawn(process.execPath, ['scripts/dev-site.js'], options());
}

function options() {
  return { cwd: project, stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: environment };
}

/** Ends the site at once. Acknowledged data is safe, and a developer does not want to wait for open connections. */
async function end() {
  if (!site || site.exitCode !== null || site.signalCode !== null) return;
  const ended = new Promise((resolve) => site.once('close', resolve));
  site.kill('SIGKILL');
  await ended;
}
