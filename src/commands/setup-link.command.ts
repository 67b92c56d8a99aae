import { ConflictException, type INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { Settings } from '../config/settings.js';
import { LinksService } from '../links/links.service.js';
import { makeSetupLink } from '../links/setup-link.js';
import { UsersService } from '../users/users.service.js';
import { print } from './output.js';
import type { Tools } from './site.js';

/** Prints another link for the first admin, for an operator who has lost the one that the start printed. */
export function setupLinkCommand({ withSite }: Tools): Command {
  return new Command('setup-link').action(() => withSite(printLink));
}

async function printLink(site: INestApplicationContext): Promise<void> {
  if (await site.get(UsersService).hasAdmin())
    throw new ConflictException('There is an admin already: `members add EMAIL --name NAME --admin` makes another.');
  print(await makeSetupLink(site.get(LinksService), site.get(Settings)));
}
