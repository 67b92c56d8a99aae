import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, parse } from 'node:path';
import { projectFolder } from '../config/settings.js';

const require = createRequire(import.meta.url);

/** One file of `views/assets`, in memory. Its address changes with its content. */
export interface Asset {
  readonly contentType: string;
  readonly bytes: Buffer;
}

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** Files for browsers that come from libraries. */
const libraries = { 'tus.js': 'tus-js-client/dist/tus.min.js' };

/**
 * The stylesheet, the scripts and the icon, read once at start. An address depends on the content, so browsers can
 * cache it for ever.
 */
@Injectable()
export class Assets {
  private readonly byFingerprint = new Map<string, Asset>();
  private readonly addresses = new Map<string, string>();

  constructor() {
    this.read();
  }

  /** Reads the files again. Earlier versions stay available at their addresses. */
  read(): void {
    const folder = join(projectFolder, 'views/assets');
    for (const file of readdirSync(folder)) this.add(file, join(folder, file));
    for (const [file, path] of Object.entries(libraries)) this.add(file, require.resolve(path));
  }

  find(fingerprint: string): Asset | undefined {
    return this.byFingerprint.get(fingerprint);
  }

  /**
   * The address of an asset, such as `/assets/site.0123456789ab.css` for `site.css`.
   *
   * @throws Error if there is no such asset.
   */
  addressOf(file: string): string {
    const address = this.addresses.get(file);
    if (!address) throw new Error(`There is no asset views/assets/${file}.`);
    return address;
  }

  private add(file: string, path: string): void {
    const contentType = contentTypes[extname(file)];
    if (!contentType) throw new Error(`views/assets/${file} has a type that is not served.`);
    const bytes = readFileSync(path);
    const { name, ext } = parse(file);
    const fingerprint = `${name}.${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}${ext}`;
    this.byFingerprint.set(fingerprint, { contentType, bytes });
    this.addresses.set(file, `/assets/${fingerprint}`);
  }
}
