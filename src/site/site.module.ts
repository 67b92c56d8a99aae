import { Module } from '@nestjs/common';
import { ApiDescription } from './api-description.js';
import { AssetsController } from './assets.controller.js';
import { DocsController } from './docs.controller.js';
import { HealthController } from './health.controller.js';
import { HomeController } from './home.controller.js';

/** What belongs to the site as a whole: its front page, its looks, its health, the description of its API. */
@Module({
  controllers: [HomeController, AssetsController, HealthController, DocsController],
  providers: [ApiDescription],
})
export class SiteModule {}
