// Uploads in pieces, with a bar for each, that go on after a lost connection. Without this file the form sends one file
// as any form does.
const atOnce = 2;

// Milliseconds between two tries; then somebody must press "Try again".
const retryDelays = [0, 1_000, 3_000, 5_000, 10_000, 20_000, 30_000, 60_000];

// An upload goes in pieces, so that a lost connection, or a proxy that takes a request whole before it hands it on, costs
// one piece. In bytes; the least is below what nginx takes by default, 1 MiB.
const piece = { most: 50_000_000, least: 500_000, shrink: 4 };

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function sizeInWords(bytes) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = bytes < 1_000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const amount = bytes / 1_000 ** power;
  return `${number.format(amount < 10 ? amount : Math.round(amount))} ${units[power]}`;
}

function timeInWords(seconds) {
  const [amount, unit] =
    seconds < 90 ? [seconds, 'second'] : seconds < 5_400 ? [seconds / 60, 'minute'] : [seconds / 3_600, 'hour'];
  const whole = Math.max(1, Math.round(amount));
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
}

/** How fast something goes: the last few seconds count. */
class Speed {
  points = [];

  at(bytes) {
    const now = performance.now();
    this.points.push({ now, bytes });
    while (now - this.points[0].now > 5_000 && this.points.length > 2) this.points.shift();
    const [first] = this.points;
    return now - first.now < 500 ? undefined : ((bytes - first.bytes) * 1_000) / (now - first.now);
  }
}

const reasons = {
  403: 'You are no longer an admin here.',
  404: 'That file, or this upload, is no longer there.',
  413: 'That is more than this site takes.',
  507: 'There is no room for it. Make some, then try again.',
};
const loggedOut = 'You are logged out. Log in in another tab, then try again: it goes on where it stopped.';
const tooSmall =
  'A proxy in front of this site takes no more than a little at once. Whoever runs it can raise that (client_max_body_size in nginx).';
const lost = 'The connection is lost. Try again when it is back: it goes on where it stopped.';
const busy = 'The site cannot take it now. Try again later: it goes on where it stopped.';

const statusOf = ({ originalResponse }) => originalResponse?.getStatus() ?? 0;

function isLoggedOut(error) {
  const { responseURL = '' } = error.originalResponse?.getUnderlyingObject() ?? {};
  return statusOf(error) === 401 || new URL(responseURL || '/', location.href).pathname === '/login';
}

/** Whether a proxy has refused it: what this site says of an upload carries its version of tus. */
const isByProxy = ({ originalResponse }) => originalResponse !== null && !originalResponse?.getHeader('tus-resumable');

/** Whether it may go better in a moment. */
function mayPass(error) {
  const status = statusOf(error);
  if (status === 413 && isByProxy(error)) return true;
  if (isLoggedOut(error)) return false;
  return status === 0 || [408, 409, 423, 429].includes(status) || (status >= 500 && !(status in reasons));
}

function reasonOf(error) {
  if (isLoggedOut(error)) return loggedOut;
  if (statusOf(error) === 0) return lost;
  if (statusOf(error) === 413 && isByProxy(error)) return tooSmall;
  return reasons[statusOf(error)] ?? (mayPass(error) ? busy : 'The site does not take it.');
}

/** One file on its way, and what is seen of it. */
class Transfer {
  state = 'waiting';
  speed = new Speed();

  constructor(file, { endpoint, metadata, most }, changed) {
    this.file = file;
    this.changed = changed;
    const part = document.getElementById('transfer').content.cloneNode(true);
    this.element = part.querySelector('.transfer');
    this.name = part.querySelector('bdi');
    this.bar = part.querySelector('progress');
    this.words = part.querySelector('.transfer-state');
    this.acts = part.querySelector('.transfer-acts');
    this.name.textContent = file.name;
    this.bar.setAttribute('aria-label', `How much of ${file.name} has arrived`);
    for (const [act, button] of this.buttons()) {
      button.setAttribute('aria-label', `${button.textContent}: ${file.name}`);
      button.addEventListener('click', () => this[act]());
    }
    this.say('Waiting for its turn');
    if (most && file.size > most) this.fail(reasons[413], false);

    this.upload = new tus.Upload(file, {
      endpoint,
      metadata: { filename: file.name, ...metadata },
      retryDelays,
      chunkSize: piece.most,
      removeFingerprintOnSuccess: true,
      // the same file for another purpose is another upload
      fingerprint: () =>
        Promise.resolve(['gatehouse', file.name, file.size, file.lastModified, JSON.stringify(metadata)].join('|')),
      onProgress: (sent, all) => this.progress(sent, all),
      onAfterResponse: (_request, answer) => {
        const found = /<\/api\/v1\/files\/([0-9a-f-]+)>/.exec(answer.getHeader('link') ?? '');
        if (found) this.fileId = found[1];
      },
      onChunkComplete: () => this.grow(),
      onShouldRetry: (error) => {
        if (!this.shrink(error)) return false;
        if (mayPass(error)) this.say(statusOf(error) === 0 ? 'The connection is lost; trying again' : 'Trying again');
        return mayPass(error);
      },
      onSuccess: () => this.arrive(),
      onError: (error) => this.fail(reasonOf(error), true),
    });
  }

  buttons() {
    return [...this.acts.querySelectorAll('[data-act]')].map((button) => [button.dataset.act, button]);
  }

  async start() {
    this.become('sending');
    this.say('Starting');
    this.speed = new Speed();
    const [before] = await this.upload.findPreviousUploads();
    if (this.state !== 'sending') return;
    if (before) this.upload.resumeFromPreviousUpload(before);
    this.upload.start();
  }

  async pause() {
    if (this.state === 'sending' || this.state === 'waiting') {
      const wasSending = this.state === 'sending';
      this.become('paused');
      this.say(`Paused at ${sizeInWords(this.sent ?? 0)} of ${sizeInWords(this.file.size)}`);
      if (wasSending) await this.upload.abort();
    } else {
      this.become('waiting');
      this.say('Waiting for its turn');
    }
  }

  async cancel() {
    this.become('over');
    this.element.remove();
    await this.upload.abort(true).catch(() => undefined);
  }

  /** Takes smaller pieces where one did not come through; whether there are smaller ones, if a proxy asks for those. */
  shrink(error) {
    const { options } = this.upload;
    const refused = statusOf(error) === 413 && isByProxy(error);
    if (refused && options.chunkSize <= piece.least) return false;
    if (refused) this.limit = options.chunkSize / 2;
    if (refused || statusOf(error) === 0 || statusOf(error) >= 502)
      options.chunkSize = Math.max(piece.least, Math.floor(options.chunkSize / piece.shrink));
    return true;
  }

  /** Takes larger pieces again, up to what was refused. */
  grow() {
    const { options } = this.upload;
    options.chunkSize = Math.min(piece.most, this.limit ?? piece.most, options.chunkSize * 2);
  }

  progress(sent, all) {
    if (this.state !== 'sending') return;
    this.sent = sent;
    this.bar.value = all === 0 ? 1 : sent / all;
    const now = performance.now();
    const speed = this.speed.at(sent);
    // twice a second is as often as anybody reads
    if (now - (this.saidAt ?? 0) < 500 && sent < all) return;
    this.saidAt = now;
    const done = `${sizeInWords(sent)} of ${sizeInWords(all)}`;
    if (sent === all) this.say(`${done}, being put on the shelf`);
    else if (speed > 0) this.say(`${done}, ${sizeInWords(speed)} a second, ${timeInWords((all - sent) / speed)} left`);
    else this.say(done);
  }

  arrive() {
    this.bar.value = 1;
    this.acts.remove();
    this.say(`Here: ${sizeInWords(this.file.size)}`);
    if (this.fileId) {
      const link = document.createElement('a');
      link.href = `/admin/files/${this.fileId}`;
      link.textContent = this.file.name;
      this.name.replaceChildren(link);
    }
    this.become('here');
  }

  fail(reason, canTryAgain) {
    if (this.state === 'paused' || this.state === 'over') return;
    this.reason = reason;
    this.say(reason);
    if (!canTryAgain) this.acts.remove();
    this.become('failed');
  }

  say(words) {
    this.words.textContent = words;
  }

  become(state) {
    this.state = state;
    this.element.dataset.state = state;
    const words = { paused: 'Go on', failed: 'Try again' }[state] ?? 'Pause';
    for (const [act, button] of this.buttons())
      if (act === 'pause') {
        button.textContent = words;
        button.setAttribute('aria-label', `${words}: ${this.file.name}`);
      }
    this.changed(this);
  }
}

/** What somebody who does not see the bars is told: that a file is here, or is not. */
function newsOf({ state, file, reason }) {
  if (state === 'here') return `“${file.name}” is here.`;
  return state === 'failed' ? `“${file.name}” has stopped. ${reason}` : '';
}

for (const form of document.querySelectorAll('form[data-upload]')) {
  const input = form.querySelector('[type=file]');
  const section = document.querySelector('.transfers');
  const list = section.querySelector('.transfer-list');
  const news = section.querySelector('[data-news]');
  const { upload: endpoint, most } = form.dataset;
  // from the address, which stays where the form is shown again with a mistake
  const replaces = 'replaces' in form.dataset && /^\/admin\/files\/([^/]+)\//.exec(location.pathname)?.[1];
  const transfers = [];
  const are = (state) => transfers.filter((transfer) => transfer.state === state);

  input.multiple = !replaces;
  for (const part of form.querySelectorAll('[data-with-script]')) part.hidden = false;
  for (const part of form.querySelectorAll('[data-without-script]')) part.hidden = true;
  news.setAttribute('role', 'status');

  const changed = (transfer) => {
    const said = newsOf(transfer);
    if (said) {
      const open = transfers.length - are('here').length - are('failed').length - are('over').length;
      const all = open === 0 && are('failed').length === 0 && are('here').length > 1;
      news.textContent = all ? `All ${are('here').length} files are here.` : said;
    }
    if (transfer.state !== 'sending')
      for (const next of are('waiting').slice(0, atOnce - are('sending').length)) void next.start();
  };

  form.addEventListener('submit', (event) => {
    // the server says what is missing
    if (input.files.length === 0) return;
    event.preventDefault();
    const audience = event.submitter?.dataset.audience;
    const metadata = { ...(replaces && { replaces }), ...(audience && { audience }) };
    const added = [...input.files].map(
      (file) => new Transfer(file, { endpoint, metadata, most: Number(most) }, changed),
    );
    transfers.push(...added);
    list.append(...added.map(({ element }) => element));
    section.hidden = false;
    form.reset();
    for (const transfer of added) changed(transfer);
  });

  const drop = form.querySelector('.drop');
  for (const name of ['dragenter', 'dragover'])
    form.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      drop.classList.add('over');
    });
  for (const name of ['dragleave', 'drop'])
    form.addEventListener(name, (event) => {
      if (name === 'drop' || !form.contains(event.relatedTarget)) drop.classList.remove('over');
    });
  form.addEventListener('drop', (event) => {
    event.preventDefault();
    const dropped = new DataTransfer();
    for (const file of [...event.dataTransfer.files].slice(0, replaces ? 1 : undefined)) dropped.items.add(file);
    if (dropped.files.length > 0) input.files = dropped.files;
  });

  addEventListener('beforeunload', (event) => {
    if (are('sending').length + are('waiting').length > 0) event.preventDefault();
  });
}
