import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { __One__ } from './__one__.entity.js';
import { __Names__ApiController } from './__names__-api.controller.js';
import { __Names__Controller } from './__names__.controller.js';
import { __Names__Service } from './__names__.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([__One__])],
  controllers: [__Names__Controller, __Names__ApiController],
  providers: [__Names__Service],
})
export class __Names__Module {}
