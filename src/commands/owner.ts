import { ForbiddenException } from '@nestjs/common';
import type { Settings } from '../config/settings.js';
import { ownerOf } from '../database/owners.js';

/**
 * Refuses to run as another user than the site's, because the server could not read the files that the command writes.
 *
 * @throws ForbiddenException if another user owns the site.
 */
export function refuseOtherOwner(settings: Settings): void {
  const self = process.getuid?.();
  const owner = ownerOf(settings);
  if (self === undefined || owner === undefined || self === owner) return;
  throw new ForbiddenException(
    `The site in ${settings.dataDir} is user ${owner}'s, and this is user ${self}, whose files the site could not read. Run it as its user: sudo -u '#${owner}' npm run gatehouse -- …`,
  );
}
