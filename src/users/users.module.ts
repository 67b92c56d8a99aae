import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BreachedPasswords } from './breached-passwords.js';
import { FirstAdmin } from './first-admin.js';
import { Passwords } from './passwords.js';
import { Policy, RegistrationRules } from './registration-rules.js';
import { User } from './user.entity.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([User, Policy])],
  providers: [UsersService, Passwords, BreachedPasswords, RegistrationRules, FirstAdmin],
  exports: [UsersService, RegistrationRules],
})
export class UsersModule {}
