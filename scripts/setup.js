import { spawn, spawnSync } from 'child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'fs';
import { createRequire } from 'module';
import { join } from 'path';
import { fileURLToPath } from 'url';

/**
 * Checks that all packages are installed and load, and installs them if not. With `--build`, it also builds the site if
 * needed. If nothing is missing, it writes nothing, so that it works on read-only code too. It imports only Node's own
 * modules.
 */
const project = fileURLToPath(new URL('..', import.meta.url));
const { engines, dependencies, allowScripts = {} } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const require = createRequire(join(project, 'package.json'));
const installed = join(project, 'node_modules/.package-lock.json');
const wanted = join(project, 'package-lock.json');

const least = engines.node.replace(/[^\d.]/g, '');
if (isOlder(process.versions.node, least))
  fail(`Gatehouse needs Node ${least} or later, and this is Node ${process.versions.node}: install a newer one.`);

const isOutdated = existsSync(installed) && timeOf(installed) < timeOf(wanted);
if (isOutdated && (hasTools() || faultOf() !== undefined)) await install('install');
// An interrupted install leaves no list of what it installed, and npm then believes that the install is complete.
if (faultOf() !== undefined && existsSync(installed)) await npm(['rebuild'], 'Building what did not load.');
if (faultOf() !== undefined || (!existsSync(installed) && isWritable())) await install('ci');
const fault = faultOf();
if (fault !== undefined) fail(`What Gatehouse needs does not load: ${fault}. Delete node_modules, then try again.`);

if (process.argv.includes('--build') && !isBuilt()) {
  if (!hasTools())
    fail(
      'dist/ is missing or older than src/, and the tools to build are not installed: run npm ci and npm run build.',
    );
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: project, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

/** The production package that is missing or does not load, in words. Gives undefined if all packages load. */
function faultOf() {
  const names = Object.keys(dependencies);
  const missing = names.find((name) => !existsSync(join(project, 'node_modules', name, 'package.json')));
  if (missing) return `${missing} is missing`;
  // compiled packages are loaded in a separate process, because Node remembers a failed load
  const compiled = names.filter((name) => allowScripts[name] === true);
  const load = compiled.map((name) => `require(${JSON.stringify(require.resolve(name))});`).join('');
  const { status } = spawnSync(process.execPath, ['-e', load], { cwd: project, stdio: 'ignore' });
  return status === 0 ? undefined : `${compiled.join(', ')} cannot be loaded`;
}

function install(how) {
  const words = 'Installing what Gatehouse needs. If sqlite3 must be compiled for this machine, that takes minutes.';
  const options = how === 'install' ? ['--no-save'] : [];
  return npm([how, ...options, '--no-audit', '--no-fund'], words);
}

/** Runs npm and reports now and then that it still runs. If it fails, prints the reason. */
async function npm(args, words) {
  console.log(words);
  const begun = Date.now();
  const clock = setInterval(() => {
    console.log(
      `Still at it after ${Math.round((Date.now() - begun) / 1000)} seconds; compiling sqlite3 takes 2 to 5 minutes.`,
    );
  }, 30_000);
  // npm's error messages are read below, even if npm was started in silent mode
  const env = { ...process.env, npm_config_loglevel: 'error' };
  const child = spawn('npm', args, { cwd: project, stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  const code = await new Promise((done) => child.on('error', () => done(1)).on('close', done));
  clearInterval(clock);
  if (code === 0) return;
  fail(reasonOf(said));
}

function reasonOf(said) {
  const log = /complete log of this run can be found in:? *(?:npm (?:error|ERR!) *)?(\S+)/.exec(said);
  const more = log ? ` What npm said is in ${log[1]}.` : '';
  if (
    /find python|not found: make|make: not found|[gc]\+\+: not found|no c\+\+ compiler|which: no|ENOENT.*make/i.test(
      said,
    )
  )
    return `sqlite3 must be compiled for this machine, which needs Python, make and a C++ compiler (on Debian: apt-get install python3 make g++). Install them, then try again.${more}`;
  if (/ENOSPC/.test(said)) return 'The disk is full: make room, then try again.';
  if (/EACCES|EROFS/.test(said)) return `This user may not write to ${project}: run npm ci as its owner.`;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET/.test(said))
    return `npm cannot reach its registry: check the network, then try again.${more}`;
  const line = said.split('\n').find((one) => /npm (error|ERR!) (?!code|A complete)/.test(one)) || '';
  return `npm could not install what Gatehouse needs. ${line.replace(/^npm (error|ERR!) /, '')}${more}`;
}

function isBuilt() {
  const source = join(project, 'src');
  const built = join(project, 'dist/main.js');
  const stamp = join(project, 'dist/.built');
  if (!existsSync(built)) return false;
  if (!existsSync(source) || !existsSync(stamp)) return !existsSync(source);
  return newestIn(source) <= timeOf(stamp);
}

function newestIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const times = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? newestIn(path) : timeOf(path);
  });
  return Math.max(timeOf(folder), ...times);
}

function hasTools() {
  return existsSync(join(project, 'node_modules/@nestjs/cli/package.json'));
}

function isWritable() {
  const folder = existsSync(join(project, 'node_modules')) ? join(project, 'node_modules') : project;
  return process.getuid === undefined || process.getuid() === 0 || statSync(folder).uid === process.getuid();
}

function timeOf(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function isOlder(version, wanted) {
  const [major, minor] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = wanted.split('.').map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

function fail(words) {
  console.error(words);
  process.exit(1);
}
