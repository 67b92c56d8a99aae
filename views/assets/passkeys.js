// Passkeys. Only a script can ask the browser for one: without it, or where the browser knows none, the forms that
// take one stay hidden, and the other ways remain.
const reasons = {
  NotAllowedError: 'Nothing was sent: it was cancelled, or it took too long. Try again when you are ready.',
  InvalidStateError: 'That device has a passkey for this account already.',
  SecurityError: 'The browser takes no passkeys at this address. Open the site by its own name, over https.',
};

// Milliseconds; the server takes an answer within five minutes from when it sent the page.
const patience = 290_000;

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const { passkey: way, options } = form.dataset;
  const parse = way === 'create' ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON';
  if (!window.PublicKeyCredential?.[parse]) continue;
  const { response } = form.elements;
  const button = form.querySelector('[type=submit]');
  const news = form.querySelector('[data-news]');
  // a place for news of the script alone: without it the page has none
  news.setAttribute('role', 'status');
  form.hidden = false;
  for (const note of document.querySelectorAll('.without-passkeys')) note.hidden = true;

  const ask = async () => {
    if (performance.now() > patience) return 'This page has waited too long. Load it again, then try once more.';
    try {
      const publicKey = PublicKeyCredential[parse](JSON.parse(options));
      const credential = await navigator.credentials[way]({ publicKey });
      response.value = JSON.stringify(credential.toJSON());
      return '';
    } catch (error) {
      return reasons[error.name] ?? 'That did not work in this browser. Try again, or take another way.';
    }
  };

  form.addEventListener('submit', async (event) => {
    // with the browser's answer in it, the form is sent as any other, with what is ticked beside it
    if (response.value) {
      for (const tick of form.querySelectorAll('[data-as]'))
        tick.disabled = !document.getElementById(tick.dataset.as).checked;
      return;
    }
    event.preventDefault();
    if (button.hasAttribute('aria-disabled')) return;
    button.setAttribute('aria-disabled', 'true');
    news.textContent = '';
    news.textContent = await ask();
    button.removeAttribute('aria-disabled');
    if (response.value) form.requestSubmit(button);
  });

  // Back from the history: an answer is taken once.
  addEventListener('pageshow', () => (response.value = ''));
}
