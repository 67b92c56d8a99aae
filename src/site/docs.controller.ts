import { Controller, Get, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http/access.js';
import { ApiDescription } from './api-description.js';
import { presentDocs } from './docs.view.js';

@ApiExcludeController()
@Public()
@Controller('api')
export class DocsController {
  constructor(private readonly description: ApiDescription) {}

  @Get('v1/openapi.json')
  document() {
    return this.description.document;
  }

  @Get('docs')
  @Render('site/docs')
  show() {
    // cookies are not read under /api, so the page cannot know who is logged in
    return { title: 'API', hideMenu: true, ...presentDocs(this.description.document) };
  }
}
