import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { ActivityModule } from '../activity/activity.module.js';
import { ConfirmationsModule } from '../confirmations/confirmations.module.js';
import { FactorsModule } from '../factors/factors.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { LinksModule } from '../links/links.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { BodyGuard } from '../http/body.guard.js';
import { NamedGuard } from '../http/named.guard.js';
import { AccessGuard } from './access.guard.js';
import { AuthApiController } from './auth-api.controller.js';
import { BrowserLogins } from './browser-logins.js';
import { Devices } from './devices.js';
import { FactorChecks } from './factor-checks.js';
import { FirstSetup } from './first-setup.js';
import { KeptForms } from './kept-forms.js';
import { JwtStrategy } from './jwt.strategy.js';
import { LocalStrategy } from './local.strategy.js';
import { LoginLinkController } from './login-link.controller.js';
import { LoginsService } from './logins.service.js';
import { MembersElsewhereGuard } from './members-elsewhere.guard.js';
import { ProofController } from './proof.controller.js';
import { RegistrationController } from './registration.controller.js';
import { SecondStepController } from './second-step.controller.js';
import { SessionController } from './session.controller.js';
import { SetupController } from './setup.controller.js';

/** Guards every route of the site. No other folder imports this one. */
@Module({
  imports: [
    ActivityModule,
    ConfirmationsModule,
    FactorsModule,
    LimitsModule,
    LinksModule,
    MailModule,
    PassportModule,
    SessionsModule,
    UsersModule,
  ],
  controllers: [
    RegistrationController,
    SessionController,
    SecondStepController,
    LoginLinkController,
    ProofController,
    SetupController,
    AuthApiController,
  ],
  providers: [
    BrowserLogins,
    Devices,
    FactorChecks,
    FirstSetup,
    JwtStrategy,
    KeptForms,
    LocalStrategy,
    LoginsService,
    // In this order, so that a caller who lacks access, or names something that does not exist, gets that answer before
    // the body is read.
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: NamedGuard },
    { provide: APP_GUARD, useClass: BodyGuard },
    { provide: APP_GUARD, useClass: MembersElsewhereGuard },
  ],
})
export class AuthModule {}
