import { Controller, Get, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { ActivityService } from '../activity/activity.service.js';
import { presentEventInWords } from '../activity/event.view.js';
import { AdminsOnly } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { RegistrationRules } from '../users/registration-rules.js';
import { MembersService } from './members.service.js';
import { modesInWords } from './registration.view.js';

/** The first page of the administration. */
@ApiExcludeController()
@AdminsOnly()
@Controller('admin')
export class AdminController {
  constructor(
    private readonly members: MembersService,
    private readonly rules: RegistrationRules,
    private readonly activity: ActivityService,
  ) {}

  @Get()
  @InMenu('main', 'Admin', 1_000)
  @InMenu('admin', 'Overview', 0)
  @Render('members/admin')
  async show() {
    const [count, { mode, domains }, { items }] = await Promise.all([
      this.members.count(),
      this.rules.current(),
      this.activity.list({ limit: 5 }),
    ]);
    return {
      title: 'Administration',
      count,
      mode: modesInWords[mode],
      hasDomains: domains.length > 0,
      events: items.map(presentEventInWords),
    };
  }
}
