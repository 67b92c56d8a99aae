import { ConflictException, Injectable, Logger, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { dayMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import type { Caller } from '../http/caller.js';
import { Chores } from '../http/chores.js';
import { LinksService } from '../links/links.service.js';
import { makeSetupLink } from '../links/setup-link.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import type { SetupInput } from './setup.input.js';

/**
 * Offers a setup link in the log of a site that has no admin. The person who can read the log becomes the first admin,
 * so no default password is needed.
 */
@Injectable()
export class FirstSetup implements OnModuleInit {
  private readonly logger = new Logger('Setup');

  constructor(
    private readonly users: UsersService,
    private readonly links: LinksService,
    private readonly activity: ActivityService,
    private readonly settings: Settings,
    private readonly chores: Chores,
  ) {}

  onModuleInit(): void {
    this.chores.every(dayMs, () => this.offer(), 'the link for the first admin could not be made');
  }

  async isOpen(secret: unknown): Promise<boolean> {
    return (await this.links.find('setup', secret)) !== undefined && !(await this.users.hasAdmin());
  }

  /**
   * Creates the first admin by a setup link and uses the link up.
   *
   * @throws NotFoundException if the link was used or has expired, or there is an admin already.
   * @throws ConflictException if the email has an account already; the link still works.
   * @throws InvalidInput if the password is easy to guess or was found in a breach; the link still works.
   */
  async makeAdmin({ token, name, email, password }: SetupInput, caller: Caller): Promise<User> {
    const link = (await this.users.hasAdmin()) ? undefined : await this.links.spend('setup', token);
    if (!link) throw new NotFoundException('This site is set up already, or the link is over.');
    try {
      const registered = await this.users.register(
        { name, email, password, role: 'admin', isVerified: true },
        caller.address,
      );
      if (!registered.isNew) throw new ConflictException('That email has an account already: choose another.');
      await this.activity.record({ kind: 'account.registered', member: registered.user }, caller);
      return registered.user;
    } catch (error) {
      await this.links.giveBack(link);
      throw error;
    }
  }

  private async offer(): Promise<void> {
    if (await this.users.hasAdmin()) return;
    const link = await makeSetupLink(this.links, this.settings);
    this.logger.log(`There is no admin yet. Become it, once and within a day: ${link}`);
  }
}
