import { Global, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { Arrivals } from './arrivals.js';
import { Assets } from './assets.js';
import { BareAnswers } from './bare-answers.js';
import { Chores } from './chores.js';
import { Cookies } from './cookies.js';
import { ErrorsFilter } from './errors.filter.js';
import { FlashMessages } from './flash.js';
import { Lifecycle } from './lifecycle.js';
import { Menus } from './menus.js';
import { Pages } from './pages.js';
import { Refolds } from './refolds.js';
import { RouteList } from './route-list.js';

/** The building blocks of the web that every feature uses. This module knows no feature. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    Arrivals,
    Assets,
    BareAnswers,
    Chores,
    Cookies,
    FlashMessages,
    Lifecycle,
    Menus,
    Pages,
    Refolds,
    RouteList,
    ErrorsFilter,
    { provide: APP_FILTER, useExisting: ErrorsFilter },
  ],
  exports: [Arrivals, Assets, Chores, Cookies, FlashMessages, Lifecycle, Pages, Refolds, RouteList],
})
export class HttpModule implements OnApplicationBootstrap {
  constructor(
    private readonly pages: Pages,
    private readonly routes: RouteList,
  ) {}

  onApplicationBootstrap(): void {
    for (const { method, path, view } of this.routes.all())
      if (view !== undefined && !this.pages.has(view))
        throw new Error(`${method} ${path} renders views/${view}.hbs, which is not there.`);
  }
}
