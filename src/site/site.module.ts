import { Module } from '@nestjs/common';
import { ApiDescription } from './api-description.js';
import { AssetsController } from './assets.controller.js';
import { DocsController } from './docs.controller.js';
import { HealthController } from './health.controller.js';
import { HomeController } from './home.controller.js';

/** The site as a whole: its front page, assets, health checks and API description. */
@Module({
  controllers: [HomeController, AssetsController, HealthController, DocsController],
  providers: [ApiDescription],
})
export class SiteModule {}
