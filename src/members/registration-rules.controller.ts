import { Body, Controller, Get, Post, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { seeOther } from '../http/answers.js';
import { FromForm } from '../http/form.js';
import { RegistrationRules } from '../users/registration-rules.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { MembersService } from './members.service.js';
import { RegistrationRulesInput } from './registration.input.js';
import { modesInWords } from './registration.view.js';

const form = { view: 'members/registration', title: 'Registration', keep: ['mode', 'domains'] };

/** The rules for registration, for an admin in a browser. */
@ApiExcludeController()
@Controller('admin/registration')
export class RegistrationRulesController {
  constructor(
    private readonly rules: RegistrationRules,
    private readonly members: MembersService,
  ) {}

  @Get()
  @InMenu('admin', 'Registration', 60)
  @AdminsOnly()
  @Render(form.view)
  async show() {
    const { mode, domains } = await this.rules.current();
    return { title: form.title, values: { mode, domains: domains.join('\n') } };
  }

  @Post()
  @AdminsOnly({ recentProof: true })
  @FromForm(form)
  async set(@Body() input: RegistrationRulesInput, @ActingAdmin() by: Actor) {
    await this.members.setRules(input, by);
    return seeOther('/admin/registration', `Saved. ${modesInWords[input.mode]}`);
  }
}
