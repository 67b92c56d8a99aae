import { Controller, Get, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http/access.js';

@ApiExcludeController()
@Public()
@Controller()
export class HomeController {
  @Get()
  @Render('site/home')
  show() {
    return {};
  }
}
