import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { ConfirmationsModule } from '../confirmations/confirmations.module.js';
import { FactorsModule } from '../factors/factors.module.js';
import { GroupsModule } from '../groups/groups.module.js';
import { LinksModule } from '../links/links.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { User } from '../users/user.entity.js';
import { UsersModule } from '../users/users.module.js';
import { ActivityApiController } from './activity-api.controller.js';
import { ActivityCsv } from './activity-csv.js';
import { ActivityController } from './activity.controller.js';
import { AdminController } from './admin.controller.js';
import { InvitesApiController } from './invites-api.controller.js';
import { InvitesController } from './invites.controller.js';
import { InvitesService } from './invites.service.js';
import { MembersApiController } from './members-api.controller.js';
import { MembersController } from './members.controller.js';
import { MembersService } from './members.service.js';
import { RegistrationRulesApiController } from './registration-rules-api.controller.js';
import { RegistrationRulesController } from './registration-rules.controller.js';
import { Undeliverable } from './undeliverable.js';

/** Lets admins manage the members, the rules for registration and the invites, and read the activity log. */
@Module({
  imports: [
    TypeOrmModule.forFeature([User]),
    ActivityModule,
    ConfirmationsModule,
    FactorsModule,
    GroupsModule,
    LinksModule,
    MailModule,
    SessionsModule,
    UsersModule,
  ],
  controllers: [
    AdminController,
    MembersController,
    RegistrationRulesController,
    InvitesController,
    ActivityController,
    MembersApiController,
    RegistrationRulesApiController,
    InvitesApiController,
    ActivityApiController,
  ],
  providers: [ActivityCsv, MembersService, InvitesService, Undeliverable],
})
export class MembersModule {}
