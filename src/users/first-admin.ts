import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings, SettingsError } from '../config/settings.js';
import { InvalidInput } from '../http/errors.js';
import { passwordFault } from './account-fields.js';
import { UsersService } from './users.service.js';

/** Creates the admin that `ADMIN_EMAIL` and `ADMIN_PASSWORD` name, at a start when no account has that email. */
@Injectable()
export class FirstAdmin implements OnApplicationBootstrap {
  private readonly logger = new Logger('Users');

  constructor(
    private readonly settings: Settings,
    private readonly users: UsersService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { adminEmail: email, adminPassword } = this.settings;
    if (!email || !adminPassword) return;
    if (await this.users.exists(email)) return;
    const password = adminPassword.normalize('NFC');
    const fault = passwordFault(password);
    if (fault) throw refusal(fault);
    const name = email.split('@')[0] ?? email;
    const { isNew } = await this.users
      .register({ name, email, password, role: 'admin', isVerified: true })
      .catch((error: unknown) => {
        throw error instanceof InvalidInput ? refusal(error.errors.map(({ message }) => message).join(' ')) : error;
      });
    if (isNew) this.logger.log(`The admin of ADMIN_EMAIL was made; log in and change the name and the password.`);
  }
}

const refusal = (fault: string) => new SettingsError([`ADMIN_PASSWORD will not do. ${fault}`]);
