import { Module } from '@nestjs/common';
import { ActivityModule } from '../activity/activity.module.js';
import { ConfirmationsModule } from '../confirmations/confirmations.module.js';
import { FactorsModule } from '../factors/factors.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { LinksModule } from '../links/links.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccountApiController } from './account-api.controller.js';
import { ChangePasswordController } from './change-password.controller.js';
import { AccountController } from './account.controller.js';
import { AccountExport } from './account-export.js';
import { AccountService } from './account.service.js';
import { Belongings } from './belongings.js';
import { AccountDeletion } from './account-deletion.js';
import { OwnDataApiController } from './own-data-api.controller.js';
import { OwnDataController } from './own-data.controller.js';
import { OwnPassword } from './own-password.js';
import { OwnSessionsApiController } from './own-sessions-api.controller.js';
import { OwnSessionsController } from './own-sessions.controller.js';
import { OwnSessions } from './own-sessions.js';

/** Lets members manage their own accounts. */
@Module({
  imports: [
    ActivityModule,
    ConfirmationsModule,
    FactorsModule,
    LimitsModule,
    LinksModule,
    MailModule,
    SessionsModule,
    UsersModule,
  ],
  controllers: [
    ChangePasswordController,
    AccountController,
    OwnSessionsController,
    OwnDataController,
    AccountApiController,
    OwnSessionsApiController,
    OwnDataApiController,
  ],
  providers: [AccountService, AccountExport, Belongings, AccountDeletion, OwnPassword, OwnSessions],
})
export class AccountModule {}
