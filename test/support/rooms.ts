import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../src/config/settings.js';
import type { Prepare } from './calls.js';

/** What modules that were added say of themselves to specs that look at all: a folder each, such as `test/rooms/announcements`. */
const folder = join(projectFolder, 'test/rooms');
const rooms = existsSync(folder) ? readdirSync(folder) : [];

/** Their lines of the table in `route-table.ts`, from `routes.txt`. */
export const routesOfRooms = (): string =>
  rooms.map((room) => readFileSync(join(folder, room, 'routes.txt'), 'utf8').trim()).join('\n');

/** What it takes to call their operations, from `calls.ts`. */
export async function callsOfRooms(): Promise<Readonly<Record<string, Prepare>>> {
  const modules = await Promise.all(
    rooms.map((room) => import(`../rooms/${room}/calls.ts`) as Promise<{ calls: Readonly<Record<string, Prepare>> }>),
  );
  return Object.assign({}, ...modules.map(({ calls }) => calls)) as Readonly<Record<string, Prepare>>;
}
