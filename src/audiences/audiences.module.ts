import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { StoredFile } from '../files/stored-file.entity.js';
import { GroupsModule } from '../groups/groups.module.js';
import { UsersModule } from '../users/users.module.js';
import { AudienceForm } from './audience-form.js';
import { AudiencesService } from './audiences.service.js';

/** The audience of a file or a collection: everyone, groups, or named members. */
@Module({
  imports: [TypeOrmModule.forFeature([StoredFile]), ActivityModule, GroupsModule, UsersModule],
  providers: [AudienceForm, AudiencesService],
  exports: [AudienceForm, AudiencesService],
})
export class AudiencesModule {}
