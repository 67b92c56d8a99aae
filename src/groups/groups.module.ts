import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { UsersModule } from '../users/users.module.js';
import { Group } from './group.entity.js';
import { GroupsApiController } from './groups-api.controller.js';
import { GroupsController } from './groups.controller.js';
import { GroupsService } from './groups.service.js';

/** Groups of members, with which files are shared together. */
@Module({
  imports: [TypeOrmModule.forFeature([Group]), ActivityModule, UsersModule],
  controllers: [GroupsController, GroupsApiController],
  providers: [GroupsService],
  exports: [GroupsService],
})
export class GroupsModule {}
