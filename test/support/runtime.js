import libCoverage from 'istanbul-lib-coverage';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SyntheticModule } from 'node:vm';
import Runtime from 'jest-runtime';

const { createCoverageMap } = libCoverage;
const project = resolve(import.meta.dirname, '../..');
const source = join(project, 'src/');
/** The product as `build.js` makes it: with counters if coverage is asked for. */
const built = join(project, process.env.TESTED_CODE ?? 'dist-tested');

/** What a spec may name in `expect.any(…)`: Jest's own realm has others of the same names. */
const constructors = [Array, BigInt, Boolean, Function, Number, Object, String, Symbol];

/** Who hears what Jest says to this worker. */
const ofJest = new Set(process.listeners('message'));
const memory = '/dev/shm';
const hasRoom = existsSync(memory) && statfsSync(memory).bavail * statfsSync(memory).bsize > 2 * 1_024 ** 3;

/** Modules of the product and of libraries, each loaded once a worker. */
const loaded = new Map();

/**
 * Jest's runtime, but for one thing: the product (as it is built) and its libraries are loaded by Node itself, once for
 * all spec files of a worker. Jest would load them anew for each, which takes two seconds and memory that stays taken.
 * A spec and what it imports from `test/` are still its own.
 */
export default class extends Runtime {
  constructor(config, environment, ...rest) {
    super(config, environment, ...rest);
    const { esmLoader, _resolution: resolution } = this;
    const resolveInJest = esmLoader.resolveModule.bind(esmLoader);
    // one realm for all, so that a Date of a spec is a Date for the product
    esmLoader.getContext = () => undefined;
    resolution.canResolveSync = () => false;
    esmLoader.resolveModule = (specifier, from, context) => {
      const address = addressOf(specifier, from);
      return address === undefined ? resolveInJest(specifier, from, context) : load(address);
    };
    for (const constructor of constructors) environment.global[constructor.name] = constructor;
    Object.assign(globalThis, config.globals);
    keepInMemory(config.displayName?.name);
  }

  teardown() {
    super.teardown();
    endFetches();
    // a library that waits for a word of the parent would keep the worker alive
    for (const listener of process.listeners('message')) if (!ofJest.has(listener)) process.off('message', listener);
  }

  /** What this worker has counted, and the processes of the site that have ended since this was last asked. */
  getAllCoverageInfoCopy() {
    const counted = createCoverageMap(structuredClone(globalThis.__coverage__ ?? {}));
    const folder = process.env.COUNTS;
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const taken = join(folder, `${name}.${process.pid}`);
      try {
        if (!name.endsWith('.json')) continue;
        // the other worker may be quicker
        renameSync(join(folder, name), taken);
        counted.merge(JSON.parse(readFileSync(taken, 'utf8')));
        rmSync(taken);
      } catch {
        continue;
      }
    }
    return counted.toJSON();
  }
}

/**
 * Has data folders of sites that live in this process lie in memory where there is room for them: nobody pulls the plug
 * there, and a disk takes milliseconds to say that each of 30,000 commits is safe.
 */
function keepInMemory(project) {
  delete process.env.TMPDIR;
  if (['unit', 'sqlite', 'postgres'].includes(project) && hasRoom) process.env.TMPDIR = memory;
}

/** What Node is to import for a specifier; undefined if Jest loads it. */
function addressOf(specifier, from) {
  if (isBuiltin(specifier) || specifier === '@jest/globals' || specifier.startsWith('data:')) return undefined;
  if (!specifier.startsWith('.')) return specifier;
  const path = resolve(dirname(from), specifier);
  if (!path.startsWith(source)) return undefined;
  const file = join(built, relative(source, path));
  if (!existsSync(file))
    throw new Error(`${relative(project, file)} is not there: run "node test/support/build.js" first.`);
  return pathToFileURL(file).href;
}

function load(address) {
  const known = loaded.get(address) ?? asModule(address);
  loaded.set(address, known);
  return known;
}

async function asModule(address) {
  const exported = await import(address);
  const module = new SyntheticModule(
    Object.keys(exported),
    function () {
      for (const [name, value] of Object.entries(exported)) this.setExport(name, value);
    },
    { identifier: address },
  );
  await module.link(() => undefined);
  await module.evaluate();
  return module;
}

/**
 * Closes the connections that `fetch` keeps in this worker: one whose answer was not read to its end would keep the worker
 * alive, though its server is long gone.
 */
function endFetches() {
  const key = Symbol.for('undici.globalDispatcher.1');
  const dispatcher = globalThis[key];
  if (!dispatcher) return;
  globalThis[key] = new dispatcher.constructor();
  void dispatcher.destroy();
}
