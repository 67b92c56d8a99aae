import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { __One__ } from './__one__.entity.js';
import type { __One__Input } from './__one__.input.js';

/** How many are listed. */
const latest = 20;

@Injectable()
export class __Names__Service {
  constructor(@InjectRepository(__One__) private readonly rows: Repository<__One__>) {}

  /** Gives the latest ones, with the newest first. */
  list(): Promise<__One__[]> {
    return this.rows.find({ order: { id: 'DESC' }, take: latest });
  }

  async add({ title, text }: __One__Input): Promise<__One__> {
    const added: __One__ = { id: uuid(), title, text, createdAt: new Date() };
    await this.rows.insert(added);
    return added;
  }
}
