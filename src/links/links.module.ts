import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Link } from './link.entity.js';
import { LinksService } from './links.service.js';

@Module({ imports: [TypeOrmModule.forFeature([Link])], providers: [LinksService], exports: [LinksService] })
export class LinksModule {}
