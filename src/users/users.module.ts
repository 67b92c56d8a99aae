import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FirstAdmin } from './first-admin.js';
import { Passwords } from './passwords.js';
import { User } from './user.entity.js';
import { UsersApiController } from './users-api.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  controllers: [UsersApiController],
  providers: [UsersService, Passwords, FirstAdmin],
  exports: [UsersService],
})
export class UsersModule {}
