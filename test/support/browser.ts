import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** Long enough for the first launch on a machine where Chromium has to be installed. */
export const launchTimeout = 300_000;

/** Starts Chromium with an empty profile; it ends with `close()`, and also where this process ends in any other way. */
export function launchChromium(more: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [
      ...(isRoot ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}

/**
 * Where Chromium is: `CHROMIUM_PATH`, else a usual place. Root on a machine with apt-get gets it installed.
 *
 * @throws Error with one sentence that says what to do.
 */
export function findChromium(named = process.env.CHROMIUM_PATH): string {
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, where no program is: set it to a Chromium or Chrome, or unset it.`);
  }
  const found = places().find(isProgram) ?? (isRoot && whereIs('apt-get') ? installChromium() : undefined);
  if (found) return found;
  throw new Error('The browser tests need Chromium: install Chromium or Chrome, or set CHROMIUM_PATH to where it is.');
}

const isRoot = process.getuid?.() === 0;

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const places = () => [
  ...names.flatMap((name) => whereIs(name) ?? []),
  ...names.map((name) => `/usr/bin/${name}`),
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const whereIs = (name: string) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isProgram);

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs Debian's Chromium; of two processes that come here at once, the second waits and finds it there. */
function installChromium(): string | undefined {
  const script = `
    exec 9> /tmp/gatehouse-chromium.lock && flock 9
    command -v chromium || { apt-get update && apt-get install -y --no-install-recommends chromium; }`;
  try {
    execFileSync('sh', ['-c', script], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
      maxBuffer: 16 * 1_024 * 1_024,
    });
  } catch (cause) {
    const sentence =
      'The browser tests need Chromium, and apt-get could not install it: install it yourself, or set CHROMIUM_PATH.';
    throw new Error(sentence, { cause });
  }
  return whereIs('chromium');
}

/** A page of a fresh profile. */
export interface Tab {
  readonly page: Page;
  /** The status of the document that the page shows. */
  readonly status: () => number | undefined;
  /**
   * What went wrong since this was last asked: errors in the console (a breach of the Content Security Policy is one),
   * scripts that failed, what could not be loaded, and whatever was asked of another site.
   */
  readonly faults: () => string[];
  readonly close: () => Promise<void>;
}

/** Opens a tab on the site at `url`; paths are relative to it. */
export async function openTab(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ baseURL: url, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  return { page, ...watch(page, url), close: () => context.close() };
}

/** Opens a tab for as long as it is used, and throws where anything went wrong on its pages. */
export async function inTab(
  browser: Browser,
  url: string,
  use: (tab: Tab) => Promise<void>,
  options?: BrowserContextOptions,
): Promise<void> {
  const tab = await openTab(browser, url, options);
  try {
    await use(tab);
    const faults = tab.faults();
    if (faults.length > 0) throw new Error(`The page at ${tab.page.url()} has faults:\n${faults.join('\n')}`);
  } finally {
    await tab.close();
  }
}

function watch(page: Page, url: string): Pick<Tab, 'status' | 'faults'> {
  const faults: string[] = [];
  const documents = new Set<string>();
  let status: number | undefined;

  page.on('request', (request) => {
    if (request.isNavigationRequest()) documents.add(request.url());
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== url) faults.push(`${request.url()} is on another site`);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // a person who goes on does not wait for what the page was still loading
    if (why !== 'net::ERR_ABORTED') faults.push(`${request.url()} failed: ${why}`);
  });
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) status = response.status();
  });
  page.on('console', (message) => {
    // Chromium reports a page that came with an error's status; that is not a fault of the page
    const isStatus = documents.has(message.location().url) && message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isStatus) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  return { status: () => status, faults: () => faults.splice(0) };
}
