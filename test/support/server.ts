import { afterAll } from '@jest/globals';
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { programOf } from './counted.js';
import type { Visitor } from './people.js';

/** The site as an operator runs it: a process of its own. Whatever a test leaves running is ended after its file. */
export interface Server {
  /** Where it listens, such as `http://127.0.0.1:43210`. */
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  /** What it wrote so far, to standard output and standard error. */
  log(): string;
  signal(name: NodeJS.Signals): void;
  /** The exit code, once it has ended; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** A server that ended by itself: its exit code, and what it wrote. */
export interface Ending {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** As whom a server runs, where its output goes, and how it is started. */
export interface StartOptions extends SpawnOptions {
  /** A program with its arguments that is given Node's whole command line to run, such as a shell with limits of its own. */
  readonly through?: readonly [string, ...string[]];
}

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly output: () => string;
  readonly errors: () => string;
}

const folders: string[] = [];
const running = new Set<Launched>();
let isOver = false;

afterAll(async () => {
  isOver = true;
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all([...running].map(({ ended }) => ended));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that is deleted after the spec. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-process-'));
  folders.push(folder);
  return folder;
}

/** A port that nobody listens on at this moment, as a setting. */
export async function freePort(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return String(port);
}

/**
 * Starts the site on a free port and waits until it is ready. Its environment holds only what is given here,
 * and what keeps it to itself: a data folder of its own, and no rate limits, since all come from one address. `options`
 * say as whom it runs, and where its output goes; if that is not to us, it needs a port that is given.
 */
export async function startServer(
  environment: Record<string, string> = {},
  project?: string,
  options: StartOptions = {},
): Promise<Server> {
  const whole = withDefaults(environment);
  const launched = launch(whole, project, options);
  const { child, ended, output } = launched;
  const url = await addressOf(launched, whole.PORT);
  while (!(await isReady(url))) await sleepUnlessEnded(launched);
  return {
    url,
    pid: child.pid ?? 0,
    dataDir: whole.DATA_DIR,
    log: output,
    ended,
    signal: (name) => void child.kill(name),
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Starts the site with settings that it should refuse, and waits for its end. */
export async function startInVain(
  environment: Record<string, string>,
  project?: string,
  options: StartOptions = {},
): Promise<Ending> {
  const { ended, output, errors } = launch(withDefaults(environment), project, options);
  return { code: await ended, output: output(), errors: errors() };
}

/** Begins a request on a connection of its own and gives the answer as soon as its headers are there. */
export async function begin(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const asked = request(url, { agent: false, headers }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

/** What a browser sends to show who it is. */
export const cookieOf = ({ cookies }: Visitor) => ({
  cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
});

/** Reads an answer to its end, with a rest after each chunk; its length and its SHA-256 in hex. */
export async function readAll(answer: IncomingMessage, rest = 0): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
    if (rest > 0) await sleep(rest);
  }
  return { size, sha256: hash.digest('hex') };
}

/** Reads one chunk of an answer and no more: from now on it is up to the client. */
export async function readABit(answer: IncomingMessage): Promise<Buffer> {
  await once(answer, 'readable');
  return answer.read() as Buffer;
}

/** A bare connection on which a test can say anything. */
export async function connectTo(url: string): Promise<Socket & { heard(): string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  // a server that cuts a connection may reset it
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return Object.assign(socket, { heard: () => heard });
}

const withDefaults = (environment: Record<string, string>) => ({
  PORT: '0',
  PUBLIC_URL: 'http://127.0.0.1',
  RATE_LIMITS: 'off',
  DATA_DIR: environment.DATA_DIR ?? join(newFolder(), 'data'),
  ...environment,
});

function launch(
  environment: Record<string, string>,
  project?: string,
  { through, ...options }: StartOptions = {},
): Launched {
  if (isOver) throw new Error('This spec is over: it starts no more servers.');
  const [command, ...before] = through ? [...through, process.execPath] : [process.execPath];
  const child = spawn(command, [...before, ...programOf('main', project)], {
    cwd: tmpdir(),
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    errors += chunk.toString();
  });
  const launched: Launched = {
    child,
    output: () => output,
    errors: () => errors,
    ended: once(child, 'close').then(([code]) => {
      running.delete(launched);
      return code as number | null;
    }),
  };
  running.add(launched);
  return launched;
}

async function addressOf(launched: Launched, port: string): Promise<string> {
  if (port !== '0') return `http://127.0.0.1:${port}`;
  for (;;) {
    const url = /"listening":"([^"]+)"/.exec(launched.output())?.[1];
    if (url) return url;
    await sleepUnlessEnded(launched);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await begin(`${url}/ready`);
    answer.resume();
    return answer.statusCode === 200;
  } catch {
    return false;
  }
}

async function sleepUnlessEnded({ child, output }: Launched): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended:\n${output()}`);
  await sleep(20);
}
