import { Body, Controller, Get, Post, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AdminsOnly, MembersOnly } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { FromForm, OnPage } from '../http/form.js';
import { InMenu } from '../http/menus.js';
import { __One__Input } from './__one__.input.js';
import { present__One__InWords } from './__one__.view.js';
import { __Names__Service } from './__names__.service.js';

const adding = { view: '__names__/new', title: 'Add to __words__', keep: ['title', 'text'] };

/** The __words__, for people. */
@ApiExcludeController()
@MembersOnly()
@Controller('__names__')
export class __Names__Controller {
  constructor(private readonly __camelNames__: __Names__Service) {}

  @Get()
  @InMenu('main', '__Words__')
  @Render('__names__/index')
  async index() {
    const rows = await this.__camelNames__.list();
    return { title: '__Words__', rows: rows.map(present__One__InWords) };
  }

  @Get('new')
  @AdminsOnly()
  @Render(adding.view)
  showNew() {
    return { title: adding.title };
  }

  @Post()
  @AdminsOnly()
  @OnPage('/__names__/new')
  @FromForm(adding)
  async add(@Body() input: __One__Input) {
    const { title } = await this.__camelNames__.add(input);
    return seeOther('/__names__', `“${title}” is there for members now.`);
  }
}
