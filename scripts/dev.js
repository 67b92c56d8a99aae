import { spawn, spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { clearTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

/**
 * Runs the site for somebody who changes it: `npm run dev`. A change in `src` or `views` builds what changed, without a look
 * at types, and starts the site anew, on the same data; who is logged in stays so.
 */
const project = fileURLToPath(new URL('..', import.meta.url));
const environment = { LOG_LEVEL: 'info', ...process.env };

let site;
let isStarting = false;
let isStale = false;
let timer;

for (const folder of ['src', 'views'])
  watch(`${project}/${folder}`, { recursive: true }, () => {
    clearTimeout(timer);
    // an editor writes a file in several steps
    timer = setTimeout(() => void restart(), 50);
  });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void end().then(() => process.exit(0)));
await restart();

async function restart() {
  isStale = true;
  if (isStarting) return;
  isStarting = true;
  while (isStale) {
    isStale = false;
    await end();
    const { status } = spawnSync(process.execPath, ['test/support/build.js'], { cwd: project, stdio: 'inherit' });
    if (status === 0) site = spawn(process.execPath, ['dist-tested/main.js'], options());
    else console.error('It was not built: the next change tries again.');
  }
  isStarting = false;
}

function options() {
  return { cwd: project, stdio: 'inherit', env: environment };
}

/** Ends the site at once: what was acknowledged is safe, and who develops does not wait for open connections. */
async function end() {
  if (!site || site.exitCode !== null || site.signalCode !== null) return;
  const ended = new Promise((resolve) => site.once('close', resolve));
  site.kill('SIGKILL');
  await ended;
}
