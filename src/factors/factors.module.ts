import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { Authenticator } from './authenticator.entity.js';
import { AuthenticatorsService } from './authenticators.service.js';
import { Ceremonies } from './ceremonies.js';
import { Challenges } from './challenges.js';
import { FactorsApiController } from './factors-api.controller.js';
import { FactorsController } from './factors.controller.js';
import { FactorsService } from './factors.service.js';
import { Passkey } from './passkey.entity.js';
import { PasskeysController } from './passkeys.controller.js';
import { PasskeysService } from './passkeys.service.js';
import { RecoveryCode } from './recovery-code.entity.js';
import { RecoveryCodesService } from './recovery-codes.service.js';
import { SpentChallenge } from './spent-challenge.entity.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Authenticator, Passkey, RecoveryCode, SpentChallenge]),
    ActivityModule,
    MailModule,
    SessionsModule,
  ],
  controllers: [FactorsController, PasskeysController, FactorsApiController],
  providers: [AuthenticatorsService, Ceremonies, Challenges, FactorsService, PasskeysService, RecoveryCodesService],
  exports: [FactorsService, PasskeysService],
})
export class FactorsModule {}
