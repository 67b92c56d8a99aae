import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { AccountModule } from './account/account.module.js';
import { ActivityModule } from './activity/activity.module.js';
import { AudiencesModule } from './audiences/audiences.module.js';
import { AuthModule } from './auth/auth.module.js';
import { CollectionsModule } from './collections/collections.module.js';
import { ConfigModule } from './config/config.module.js';
import type { Keys } from './config/keys.js';
import type { Settings } from './config/settings.js';
import { ConfirmationsModule } from './confirmations/confirmations.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DownloadsModule } from './downloads/downloads.module.js';
import { FactorsModule } from './factors/factors.module.js';
import { FilesModule } from './files/files.module.js';
import { GroupsModule } from './groups/groups.module.js';
import { HttpModule } from './http/http.module.js';
import { LibraryModule } from './library/library.module.js';
import { MailModule } from './mail/mail.module.js';
import { MembersModule } from './members/members.module.js';
import { ReceiptsModule } from './receipts/receipts.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { SiteModule } from './site/site.module.js';
import { StoreModule } from './store/store.module.js';
import { UploadsModule } from './uploads/uploads.module.js';
import { UsersModule } from './users/users.module.js';

/** The modules of the application. Only this file knows them all. */
const rooms: NonNullable<ModuleMetadata['imports']> = [
  DatabaseModule,
  HttpModule,
  AuthModule,
  ActivityModule,
  MailModule,
  UsersModule,
  SessionsModule,
  FactorsModule,
  ConfirmationsModule,
  AccountModule,
  MembersModule,
  GroupsModule,
  AudiencesModule,
  StoreModule,
  FilesModule,
  DownloadsModule,
  CollectionsModule,
  LibraryModule,
  UploadsModule,
  ReceiptsModule,
  SiteModule,
];

@Module({})
export class AppModule {
  static with(settings: Settings, keys: Keys): DynamicModule {
    return { module: AppModule, imports: [ConfigModule.with(settings, keys), ...rooms] };
  }
}
