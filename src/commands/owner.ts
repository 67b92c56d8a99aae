import { ForbiddenException } from '@nestjs/common';
import { statSync } from 'node:fs';
import type { Settings } from '../config/settings.js';

/**
 * What a command writes as somebody else, the server cannot read.
 *
 * @throws ForbiddenException where the data folder is another user's.
 */
export function refuseOtherOwner({ dataDir }: Settings): void {
  const self = process.getuid?.();
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid;
  if (self === undefined || owner === undefined || self === owner) return;
  throw new ForbiddenException(
    `${dataDir} is user ${owner}'s, and this is user ${self}, whose files the site could not read. Run it as its user: sudo -u '#${owner}' npm run gatehouse -- …`,
  );
}
