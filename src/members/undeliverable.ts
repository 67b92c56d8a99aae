import { Injectable, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { ActivityService } from '../activity/activity.service.js';
import { onThisMachine } from '../http/caller.js';
import { MailService, type GivenUp } from '../mail/mail.service.js';
import { UsersService } from '../users/users.service.js';

/** Tells admins in the activity log about mails that could not be delivered. */
@Injectable()
export class Undeliverable implements OnModuleInit {
  constructor(
    private readonly mail: MailService,
    private readonly users: UsersService,
    private readonly activity: ActivityService,
  ) {}

  onModuleInit(): void {
    this.mail.onGivenUp((letter) => this.note(letter));
  }

  private async note({ to, isRefused }: GivenUp): Promise<void> {
    const member = await this.users.findByEmail(to);
    // if no member has the address, the log holds only its domain, because somebody without an account could not have
    // it deleted
    const target = member?.email ?? `somebody at ${to.slice(to.lastIndexOf('@') + 1)}`;
    const outcome = isRefused ? 'refused' : 'broken';
    await this.activity.record(
      { kind: 'mail.given-up', outcome, member, actor: null, target },
      onThisMachine(randomUUID()),
    );
  }
}
