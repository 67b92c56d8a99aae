import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Repository } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import { StoredFile } from '../files/stored-file.entity.js';
import type { Actor } from '../http/actor.js';
import type { AudienceInput } from '../audiences/audience.input.js';
import { AudiencesService } from '../audiences/audiences.service.js';

/** The members who may have one file; each change is logged. */
@Injectable()
export class FileAudience {
  constructor(
    @InjectRepository(StoredFile) private readonly files: Repository<StoredFile>,
    private readonly audiences: AudiencesService,
    private readonly activity: ActivityService,
  ) {}

  /** @throws NotFoundException if there is no such file, or if it was deleted. */
  async find(id: string): Promise<StoredFile> {
    const file = isUuid(id) ? await this.files.findOneBy({ id, deletedAt: IsNull() }) : null;
    if (!file) throw new NotFoundException('There is no such file.');
    return file;
  }

  async set(id: string, input: AudienceInput, { admin, caller }: Actor): Promise<void> {
    const { name } = await this.find(id);
    await this.audiences.set({ fileId: id }, input);
    await this.activity.record({ kind: 'file.shared', actor: admin, target: name }, caller);
  }
}
