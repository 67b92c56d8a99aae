import { Injectable } from '@nestjs/common';
import { GroupsService } from '../groups/groups.service.js';
import { InvalidInput } from '../http/errors.js';
import type { AudienceInput } from './audience.input.js';
import { presentChoice, presentForForm } from './audience.view.js';
import { AudiencesService, type Shareable } from './audiences.service.js';

/** The view of the form, its title, and the fields that keep their text after an error. */
export const audienceForm = { view: 'audiences/audience', title: 'Who may have it', keep: ['members'] };

/** The form in which an admin chooses the members who may have a shareable. */
@Injectable()
export class AudienceForm {
  constructor(
    private readonly audiences: AudiencesService,
    private readonly groups: GroupsService,
  ) {}

  /** What the form shows: who may have the shareable, and the groups that can be chosen. */
  async of(shareable: Shareable) {
    const [audience, groups] = await Promise.all([this.audiences.of(shareable), this.groupsToChoose()]);
    return presentForForm(audience, groups);
  }

  /** Rethrows an error. If it is an `InvalidInput`, the form shows again what the admin chose. */
  async refuse(error: unknown, { everyone, groups }: AudienceInput): Promise<never> {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(error.errors, presentChoice(everyone, new Set(groups), await this.groupsToChoose()));
  }

  private async groupsToChoose() {
    return (await this.groups.list({ limit: 100 })).items;
  }
}
