import { Module } from '@nestjs/common';
import { ActivityModule } from '../activity/activity.module.js';
import { FactorsModule } from '../factors/factors.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { LinksModule } from '../links/links.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { ConfirmationsApiController } from './confirmations-api.controller.js';
import { EmailConfirmations } from './email-confirmations.js';
import { EmailConfirmationsController } from './email-confirmations.controller.js';
import { PasswordResets } from './password-resets.js';
import { PasswordResetsController } from './password-resets.controller.js';

/** What people do through a mailed link: reset a forgotten password, or confirm an email address. */
@Module({
  imports: [ActivityModule, FactorsModule, LimitsModule, LinksModule, MailModule, SessionsModule, UsersModule],
  controllers: [PasswordResetsController, EmailConfirmationsController, ConfirmationsApiController],
  providers: [PasswordResets, EmailConfirmations],
  exports: [PasswordResets, EmailConfirmations],
})
export class ConfirmationsModule {}
