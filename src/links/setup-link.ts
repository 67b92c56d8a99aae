import { dayMs } from '../config/durations.js';
import type { Settings } from '../config/settings.js';
import type { LinksService } from './links.service.js';

/** Makes an address at which the first admin can be made, once, within a day. Earlier addresses still work. */
export async function makeSetupLink(links: LinksService, { publicUrl }: Settings): Promise<string> {
  const { secret } = await links.issue({ kind: 'setup', userId: null, lifetime: dayMs });
  return `${publicUrl}/setup?token=${secret}`;
}
