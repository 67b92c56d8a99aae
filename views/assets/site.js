// Every page works without this file. It adds two comforts: showing a password, and sending a form only once.
for (const button of document.querySelectorAll('.reveal')) {
  const input = document.getElementById(button.getAttribute('aria-controls'));
  const show = (shown) => {
    input.type = shown ? 'text' : 'password';
    button.textContent = shown ? 'Hide password' : 'Show password';
  };
  button.hidden = false;
  button.addEventListener('click', () => show(input.type === 'password'));
  input.form.addEventListener('submit', () => show(false));
}

const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('[type=submit]')) button.removeAttribute('aria-disabled');
};

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = 'yes';
  for (const button of form.querySelectorAll('[type=submit]')) button.setAttribute('aria-disabled', 'true');
  setTimeout(release, 10_000, form);
});

// Back from the history, or from a request that never ended: the form can be sent again.
addEventListener('pageshow', () => document.querySelectorAll('form[data-sent]').forEach(release));
