import { ForbiddenException } from '@nestjs/common';
import type { Settings } from '../config/settings.js';
import { ownerOf } from '../database/owners.js';

/**
 * What a command writes as somebody else, the server cannot read.
 *
 * @throws ForbiddenException where the site is another user's.
 */
export function refuseOtherOwner(settings: Settings): void {
  const self = process.getuid?.();
  const owner = ownerOf(settings);
  if (self === undefined || owner === undefined || self === owner) return;
  throw new ForbiddenException(
    `The site in ${settings.dataDir} is user ${owner}'s, and this is user ${self}, whose files the site could not read. Run it as its user: sudo -u '#${owner}' npm run gatehouse -- …`,
  );
}
